"""What rows go into: a list, a tag, a catalogue; chosen, or made by the first run and remembered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from connectors.sdk.destination import Job
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Field, Select, Text, When
from connectors.sdk.rest.api import Line
from connectors.sdk.types import Choice

Find = Callable[[Line, Job, str], Awaitable[str | None]]
Make = Callable[[Line, Job, str], Awaitable[str]]


@dataclass(frozen=True, kw_only=True)
class Place:
    """What the rows of a sync type go into.

    ``noun`` names it (“list”) and is the setting's name. ``discover`` is the destination's
    method that lists those there are, ``depends`` names the settings it needs. ``make`` makes
    one with a name, ``find`` the id of one that has the name already; without ``make`` only
    existing ones can be chosen. ``naming`` adds to what a person reads about the name.
    """

    noun: str
    discover: str
    find: Find | None = None
    make: Make | None = None
    depends: tuple[str, ...] = ()
    naming: str = ""

    @property
    def settings(self) -> tuple[Field, ...]:
        """The settings by which a person chooses."""
        label = self.noun.capitalize()
        pick = Select(name=self.noun, label=label, discover=self.discover, depends=self.depends)
        if self.make is None:
            return (pick,)
        source = f"{self.noun}_from"
        return (
            Select(
                name=source,
                label=f"{label} to fill",
                style="cards",
                default="new",
                choices=(
                    Choice("new", f"A new {self.noun}", "Made by the first run; one that has the name is used."),
                    Choice("existing", f"An existing {self.noun}", "Chosen from those there are."),
                ),
            ),
            Select(
                name=self.noun,
                label=label,
                discover=self.discover,
                depends=self.depends,
                when=When(field=source, values=("existing",)),
            ),
            Text(
                name=f"{self.noun}_name",
                label=f"Name of the new {self.noun}",
                help=f"Left empty, it is called like the model. {self.naming}".rstrip(),
                required=False,
                max_length=200,
                when=When(field=source, values=("new",)),
            ),
        )

    def id_for(self, job: Job) -> str:
        """The id of the job's place; empty where it is still to be made."""
        if self.make is None or job.settings.get(f"{self.noun}_from") == "existing":
            if not (chosen := str(job.settings.get(self.noun) or "")):
                raise ConfigError(f"No {self.noun} is chosen.", field=self.noun)
            return chosen
        return job.kept.get(self._key(job), "")

    async def provide(self, line: Line, job: Job) -> dict[str, str]:
        """Find the place by its name, or make it; what to remember."""
        name = self.name_for(job)
        found = await self.find(line, job, name) if self.find is not None else None
        if found is None and self.make is not None:
            found = await self.make(line, job, name)
        return {self._key(job): str(found)}

    def name_for(self, job: Job) -> str:
        """What the place is called if it has to be made."""
        return str(job.settings.get(f"{self.noun}_name") or "").strip() or job.model_name

    def _key(self, job: Job) -> str:
        # The same name inside another account or audience is another place.
        return ":".join([self.noun, *(str(job.settings.get(each) or "") for each in self.depends), self.name_for(job)])
