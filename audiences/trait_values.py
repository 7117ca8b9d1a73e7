"""What a worker does for a trait: finds its most frequent values, which filters then suggest."""

from __future__ import annotations

import logging
from typing import Any

from audiences.definitions import asker, schema_with_audiences
from audiences.looking import LONGEST_VALUE, MOST_VALUES, SECONDS, plain
from audiences.models import Trait
from audiences.query.errors import InvalidTree
from audiences.query.insights import suggestions
from audiences.query.statements import Output
from audiences.services.traits import store_suggestions
from config.errors import HeadraceError
from connectors.access import open_source
from connectors.sdk.errors import ConnectorError
from syncs.definitions import first_rows

logger = logging.getLogger(__name__)


def work_of_model(model_id: int) -> None:
    """Find the values of all traits of a model again, as often as those of its columns."""
    wanted = Trait.objects.filter(model_id=model_id, suggest=True, archived_at=None, is_template=False)
    for trait_id in wanted.values_list("pk", flat=True):
        work(trait_id)


def work(trait_id: int) -> None:
    """Find the values, if suggestions are still wanted."""
    trait = Trait.objects.select_related("model__source").filter(pk=trait_id, suggest=True).first()
    if trait is None:
        return
    try:
        store_suggestions(trait, most_frequent(trait))
    except InvalidTree as error:
        store_suggestions(trait, [], str(error))
    except (ConnectorError, HeadraceError) as error:
        store_suggestions(trait, [], f"{error.message} {error.hint}".strip())
    except Exception as error:
        logger.exception("the values of trait %s could not be found", trait_id)
        store_suggestions(trait, [], f"{type(error).__name__}: {error}")


def most_frequent(trait: Trait) -> list[list[Any]]:
    """The most frequent values that several rows have, with their counts."""
    schema = schema_with_audiences(trait.model.source)
    query = suggestions(asker(schema), str(trait.model_id), Output("value", trait=str(trait.pk)), most=MOST_VALUES)
    rows = first_rows(open_source(trait.model.source), query.sql(), MOST_VALUES, SECONDS)
    pairs = [[plain(value), int(count)] for value, count in rows]
    return [pair for pair in pairs if pair[1] > 1 and 0 < len(str(pair[0])) <= LONGEST_VALUE]
