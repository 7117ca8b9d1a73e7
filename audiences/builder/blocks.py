"""A definition as blocks: what the page shows of each condition, and what can be chosen in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import orjson

from audiences.builder import words
from audiences.builder.edits import Tree
from audiences.builder.fitting import operand_kinds
from audiences.builder.offers import EVENT_TIME, JSON_TYPES, Choice, ChoiceGroup, Offers, Suggested, Tested, field_value
from audiences.builder.trait_form import TraitForm, trait_form
from audiences.query.codec import dump
from audiences.query.conditions import FormulaTrait, Operator
from audiences.query.errors import Problem
from audiences.query.values import INEQUALITIES, OPERATORS
from connectors.sdk.types import ColumnType


@dataclass(frozen=True, slots=True)
class TestForm:
    """An operator and what it compares with. ``pointer`` is the test's place in the tree.

    ``input`` says how single values are written: text, number, choice (yes or no). ``suggested`` is the column
    whose values people pick from.
    """

    __test__ = False  # not pytest's
    pointer: str
    title: str
    operators: tuple[Choice, ...]
    operator: str
    kinds: tuple[Choice, ...] = ()
    operand: Tree = field(default_factory=dict)
    input: str = "text"
    single: bool = False
    suggested: Suggested | None = None
    lists: tuple[Choice, ...] = ()
    typed: bool = False  # whether a blank is filled in by typing values
    template: bool = False  # whether a template is made, whose blanks stay

    @property
    def many(self) -> bool:
        """Whether it takes values by the hundred: dropped as a file, or uploaded."""
        return any(choice.value == "list" for choice in self.kinds)

    @property
    def list_gone(self) -> bool:
        """Whether the uploaded list that was chosen is not there any more."""
        chosen = self.operand.get("list")
        return bool(chosen) and all(choice.value != chosen for choice in self.lists)

    @property
    def kind(self) -> str:
        """The kind of operand."""
        return str(self.operand.get("kind", ""))

    @property
    def moments(self) -> tuple[MomentForm, ...]:
        """The moments to fill in."""
        titles = {"moment": "", "start": "from", "end": "to"}
        found = [(name, title) for name, title in titles.items() if name in self.operand]
        return tuple(MomentForm(f"{self.pointer}/operand/{name}", title, self.operand[name]) for name, title in found)


@dataclass(frozen=True, slots=True)
class MomentForm:
    """A day, or so long ago."""

    pointer: str
    title: str
    moment: Tree
    kinds: tuple[Choice, ...] = (Choice("relative", "relative to now"), Choice("at", "a fixed day"))


@dataclass(frozen=True, slots=True)
class Block:
    """One condition or group. ``problems`` are those of this condition, not of the ones in it.

    ``unfinished`` says that nothing is wrong with it but what nobody has filled in yet.
    """

    pointer: str
    type: str
    condition: Tree
    problems: tuple[str, ...] = ()
    unfinished: bool = False
    choices: tuple[Choice, ...] = ()
    groups: tuple[ChoiceGroup, ...] = ()
    chosen: str = ""
    test: TestForm | None = None
    when: TestForm | None = None
    where: Block | None = None
    children: tuple[Block, ...] = ()
    addable: tuple[Choice, ...] = ()
    name: str = ""  # of the related model
    trait: TraitForm | None = None  # one that is defined in its condition
    saved: str = ""  # the definition of a saved one, as JSON, where it could be edited in its condition
    model: str = ""  # whose rows it is about
    level: int = 0
    json_path: bool = False
    sharing: tuple[str, ...] = ()  # what is shared, and whose others can be asked for

    @property
    def is_group(self) -> bool:
        """Whether it holds conditions itself."""
        return self.type == "group"

    @property
    def gone(self) -> bool:
        """Whether what was chosen is not among the choices any more."""
        offered = [*self.choices, *(choice for group in self.groups for choice in group.choices)]
        return bool(self.chosen) and not any(choice.value == self.chosen for choice in offered)


def blocks(tree: Tree, offers: Offers, problems: Sequence[Problem] = (), *, blanks: bool = False) -> Block:
    """The blocks of a fitted definition."""
    return group_blocks(tree["where"], "/where", offers, problems, blanks=blanks)


def group_blocks(
    group: Tree, pointer: str, offers: Offers, problems: Sequence[Problem] = (), *, blanks: bool = False
) -> Block:
    """The blocks of a fitted group of conditions that stands somewhere else than a definition."""
    return _Maker(problems, blanks).group(group, pointer, offers)


def trait_blocks(
    definition: Tree, pointer: str, offers: Offers, problems: Sequence[Problem] = (), *, blanks: bool = False
) -> TraitForm:
    """The form of a fitted trait."""
    return trait_form(definition, pointer, offers, _messages(problems), _Maker(problems, blanks).group)


def _messages(problems: Sequence[Problem]) -> dict[str, str]:
    return {problem.pointer: problem.message for problem in reversed(problems)}


class _Maker:
    def __init__(self, problems: Sequence[Problem], blanks: bool) -> None:
        self._problems = _messages(problems)
        self._unfinished = {each.pointer for each in problems if each.unfinished}
        self._blanks = blanks

    def group(self, group: Tree, pointer: str, offers: Offers) -> Block:
        conditions = group.get("conditions", [])
        made = [self.block(each, f"{pointer}/conditions/{at}", offers) for at, each in enumerate(conditions)]
        own = [message for at, message in self._problems.items() if at in {pointer, f"{pointer}/match"}]
        return Block(
            pointer,
            "group",
            group,
            problems=tuple(own),
            children=tuple(made),
            addable=offers.kinds(),
            name=_name(offers),
        )

    def block(self, condition: Tree, pointer: str, offers: Offers) -> Block:
        kind = str(condition.get("type"))
        if kind == "group":
            return self.group(condition, pointer, offers)
        maker = {
            "property": self._property,
            "relation": self._related,
            "event": self._related,
            "audience": self._audience,
            "trait": self._trait,
        }.get(kind)
        made = maker(condition, pointer, offers) if maker else Block(pointer, kind, condition, self._own(pointer))
        return replace(made, unfinished=self._unfinished.issuperset(self._near(pointer)))

    def _own(self, pointer: str) -> tuple[str, ...]:
        """The problems at a condition and in it, but for those of conditions inside."""
        return tuple(self._problems[at] for at in self._near(pointer))

    def _near(self, pointer: str) -> list[str]:
        inside = (f"{pointer}/where/conditions/", f"{pointer}/definition/")
        near = [at for at in self._problems if f"{at}/".startswith(f"{pointer}/")]
        return [at for at in near if not f"{at}/".startswith(inside)]

    def _property(self, condition: Tree, pointer: str, offers: Offers) -> Block:
        field = condition.get("field", {})
        column = offers.column(field)
        return Block(
            pointer,
            "property",
            condition,
            self._own(pointer),
            groups=offers.fields(),
            chosen=field_value(field),
            test=self._test(condition, f"{pointer}/test", offers.tested_field(field), offers),
            json_path=column is not None and column.type in JSON_TYPES,
        )

    def _related(self, condition: Tree, pointer: str, offers: Offers) -> Block:
        kind = str(condition["type"])
        relationship = str(condition.get("relationship", ""))
        others = condition.get("others") is True
        below = offers.below(relationship, others=others)
        sharing = kind == "relation" and (others or offers.shares(relationship))
        return Block(
            pointer,
            kind,
            condition,
            self._own(pointer),
            choices=offers.events() if kind == "event" else (),
            groups=offers.relation_groups() if kind == "relation" else (),
            sharing=(_name(offers.below(relationship)), _name(offers)) if sharing else (),
            chosen=relationship,
            when=self._test(condition, f"{pointer}/when", EVENT_TIME, offers) if kind == "event" else None,
            where=self.group(condition.get("where", {}), f"{pointer}/where", below),
            name=f"other {_name(below)}" if others else _name(below),
            model=_id(offers),
            level=offers.level,
        )

    def _audience(self, condition: Tree, pointer: str, offers: Offers) -> Block:
        chosen = str(condition.get("audience", ""))
        return Block(pointer, "audience", condition, self._own(pointer), choices=offers.audiences(), chosen=chosen)

    def _trait(self, condition: Tree, pointer: str, offers: Offers) -> Block:
        defined, below = bool(condition.get("definition")), offers.below_trait(condition)
        where = condition.get("where", {})
        return Block(
            pointer,
            "trait",
            condition,
            self._own(pointer),
            groups=() if defined else offers.traits(),
            chosen="" if defined else str(condition.get("trait", "")),
            test=self._test(condition, f"{pointer}/test", offers.tested_trait(condition), offers),
            where=self.group(where, f"{pointer}/where", below) if below and (where or not defined) else None,
            name=_name(below) if below else "",
            trait=self.trait(condition["definition"], f"{pointer}/definition", offers) if defined else None,
            saved="" if defined else _saved(condition, offers),
            model=_id(offers),
            level=offers.level,
        )

    def trait(self, definition: Tree, pointer: str, offers: Offers) -> TraitForm:
        return trait_form(definition, pointer, offers, self._problems, self.group, inline=True)

    def _test(self, condition: Tree, pointer: str, tested: Tested | None, offers: Offers) -> TestForm | None:
        test = condition.get(pointer.rpartition("/")[2])
        if tested is None or not isinstance(test, dict):
            return None
        operator = Operator(test["operator"])
        operand = test.get("operand") or {}
        usual = operand_kinds(tested, operator)
        kinds = usual
        if usual and (self._blanks or operand.get("kind") == "blank"):
            kinds = (*kinds, "blank")
        inputs = {ColumnType.NUMBER: "number", ColumnType.BOOLEAN: "choice"}
        return TestForm(
            pointer,
            tested.title,
            tuple(
                Choice(each.value, words.operator_label(each, of_event=tested.of_event))
                for each in OPERATORS[tested.type]
            ),
            operator.value,
            tuple(Choice(kind, words.OPERANDS[kind]) for kind in kinds),
            operand,
            inputs.get(tested.type, "text"),
            single=operator in INEQUALITIES or tested.type is ColumnType.BOOLEAN,
            suggested=tested.suggested,
            typed="values" in usual,
            lists=offers.lists() if operand.get("kind") == "list" else (),
            template=self._blanks,
        )


def suggested_in(block: Block) -> dict[str, Suggested]:
    """The columns whose values are offered in a block and in those inside it, by id."""
    found = {test.suggested.id: test.suggested for test in (block.test, block.when) if test and test.suggested}
    for inner in (*block.children, *filter(None, (block.where,))):
        found |= suggested_in(inner)
    return found


def _saved(condition: Tree, offers: Offers) -> str:
    trait = offers.trait(condition)
    return "" if trait is None or isinstance(trait, FormulaTrait) else orjson.dumps(dump(trait)).decode()


def _id(offers: Offers) -> str:
    return offers.model.id if offers.model else ""


def _name(offers: Offers) -> str:
    return offers.model.name if offers.model else "a model that is not there any more"
