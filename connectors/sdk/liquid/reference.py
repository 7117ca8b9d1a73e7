"""What each filter does, for the editor beside templates and for the documentation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FilterHelp:
    """One filter: how it is written behind a value, and what it does with it."""

    name: str
    group: str
    usage: str
    about: str

    @property
    def snippet(self) -> str:
        """What the editor inserts behind a value."""
        return f" | {self.usage}"


def _group(group: str, *rows: tuple[str, str]) -> tuple[FilterHelp, ...]:
    return tuple(FilterHelp(usage.split(":")[0], group, usage, about) for usage, about in rows)


REFERENCE: tuple[FilterHelp, ...] = (
    *_group(
        "Reject rows",
        ("includes: 'text'", "Rejects the row where the text (or array element) is not in the value."),
        ("regex_test: 'pattern'", "Rejects the row where the regular expression matches nothing."),
        ("validate_email", "Rejects the row where the value is no e-mail address."),
    ),
    *_group(
        "Types and JSON",
        ("cast: 'number'", "Makes the value a 'string', 'number' or 'boolean'; rejects the row where it cannot."),
        ("default: 'value'", "Takes this where the value is null, false or empty."),
        ("null_if_empty", "Turns empty text into null."),
        ("parse", "Reads JSON text as the value it stands for."),
        ("json", "Writes the value as JSON text."),
        (
            "json_construct: 'name', row.name",
            "Makes an object of names and values; put '' in front: {{ '' | json_construct: … }}.",
        ),
        ("push: 'item'", "Adds an item to an array."),
    ),
    *_group(
        "Text",
        ("upcase", "Writes the text in capitals."),
        ("downcase", "Writes the text in small letters."),
        ("capitalize", "Writes the first letter large."),
        ("camelcase", "Joins the words, each but the first with a large letter."),
        ("strip", "Removes blank space at both ends."),
        ("lstrip", "Removes blank space at the start."),
        ("rstrip", "Removes blank space at the end."),
        ("squish", "Removes blank space at both ends and makes it single inside."),
        ("strip_html", "Removes HTML tags."),
        ("strip_newlines", "Removes line breaks."),
        ("newline_to_br", "Puts <br /> before line breaks."),
        ("append: 'text'", "Adds text at the end."),
        ("prepend: 'text'", "Adds text at the start."),
        ("remove: 'text'", "Removes every occurrence."),
        ("remove_first: 'text'", "Removes the first occurrence."),
        ("remove_last: 'text'", "Removes the last occurrence."),
        ("replace: 'old', 'new'", "Replaces every occurrence."),
        ("replace_first: 'old', 'new'", "Replaces the first occurrence."),
        ("replace_last: 'old', 'new'", "Replaces the last occurrence."),
        ("regex_replace: 'pattern', 'new'", "Replaces what the regular expression matches; $1 is its first group."),
        ("slice: 0, 3", "Takes so many characters (or elements) from a place on."),
        ("truncate: 20", "Cuts the text to so many characters, with an ellipsis."),
        ("truncatewords: 5", "Cuts the text to so many words, with an ellipsis."),
        ("split: ','", "Makes an array of the parts."),
        ("size", "Counts characters or elements."),
        ("escape", "Escapes HTML."),
        ("escape_once", "Escapes HTML that is not escaped yet."),
        ("escapejs", "Escapes text for JavaScript."),
        ("safe", "Marks text as safe; it is written as it is."),
        ("url_encode", "Escapes text for a URL."),
        ("url_decode", "Reads text escaped for a URL."),
    ),
    *_group(
        "Hashes and encodings",
        ("sha256", "The SHA-256 hash in lower-case hexadecimal."),
        ("sha512", "The SHA-512 hash in lower-case hexadecimal."),
        ("md5", "The MD5 hash in lower-case hexadecimal."),
        ("MD5", "Another spelling of md5."),
        ("base64_encode", "Writes text as base 64."),
        ("base64_decode", "Reads base 64 text."),
        ("b64_encode", "Another spelling of base64_encode."),
        ("b64_decode", "Another spelling of base64_decode."),
        ("base64_url_safe_encode", "Writes text as base 64 that may stand in a URL."),
        ("base64_url_safe_decode", "Reads base 64 text made for URLs."),
    ),
    *_group(
        "Numbers",
        ("plus: 1", "Adds."),
        ("minus: 1", "Subtracts."),
        ("times: 2", "Multiplies."),
        ("divided_by: 2", "Divides; whole numbers give a whole number."),
        ("modulo: 2", "What is left after division."),
        ("round: 2", "Rounds to so many digits."),
        ("ceil", "Rounds up."),
        ("floor", "Rounds down."),
        ("abs", "The value without its sign."),
        ("at_least: 0", "The value, or this where it is smaller."),
        ("at_most: 100", "The value, or this where it is larger."),
    ),
    *_group(
        "Dates",
        ("date: '%Y-%m-%d'", "Writes a moment in this form (strftime); '%s' is Unix time."),
        ("to_date", "Reads a date or moment in any common form and writes it as ISO 8601."),
        ("to_unix", "Reads a date or moment and gives its Unix time in seconds."),
    ),
    *_group(
        "Arrays",
        ("first", "The first element."),
        ("last", "The last element."),
        ("join: ', '", "Writes the elements as text with this between them."),
        ("map: 'name'", "Takes one property of each element."),
        ("where: 'name', 'value'", "Keeps elements whose property has this value."),
        ("reject: 'name', 'value'", "Drops elements whose property has this value."),
        ("find: 'name', 'value'", "The first element whose property has this value."),
        ("find_index: 'name', 'value'", "The place of the first element whose property has this value."),
        ("has: 'name', 'value'", "Whether an element's property has this value."),
        ("concat: row.others", "Joins two arrays."),
        ("compact", "Drops nulls."),
        ("uniq", "Drops what is there already."),
        ("reverse", "Turns the order around."),
        ("sort", "Sorts."),
        ("sort_natural", "Sorts without regard to large and small letters."),
        ("sum", "Adds the elements up."),
    ),
    *_group(
        "Messages",
        ("slack_user_lookup", "The ID of the Slack user with this e-mail address; only in messages to Slack."),
        ("mattermost_user_lookup", "The name of the Mattermost user with this e-mail address; only in messages there."),
    ),
)
