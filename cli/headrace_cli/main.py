"""The commands."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click
import httpx
from click.shell_completion import get_completion_class

from headrace_cli import __version__, deploying, planning, running
from headrace_cli.client import PATHS, Client, Json
from headrace_cli.errors import CliError, Exit
from headrace_cli.output import print_json, print_table, print_yaml, say
from headrace_cli.profiles import DEFAULT, Profile, checked_url, file_path, forget_profile, profile_named, save_profile

PROGRAM = "headrace"
# Kind → the columns of its list: heading, and the key in the API's answer.
COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "source": (("Id", "id"), ("Slug", "slug"), ("Name", "name"), ("Type", "type"), ("Updated", "updatedAt")),
    "model": (("Id", "id"), ("Slug", "slug"), ("Name", "name"), ("Query", "queryType"), ("Key", "primaryKey")),
    "destination": (("Id", "id"), ("Slug", "slug"), ("Name", "name"), ("Type", "type"), ("Updated", "updatedAt")),
    "sync": (("Id", "id"), ("Slug", "slug"), ("Name", "name"), ("Status", "status"), ("Last run", "lastRunAt")),
    "sequence": (("Id", "id"), ("Slug", "slug"), ("Name", "name"), ("Status", "status")),
}
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
SYNC_ARGUMENT = click.argument("sync", required=False)
SYNC_OPTION = click.option("-s", "--sync", "sync_option", metavar="SYNC", help="The sync, as its id, slug or name.")
TIMEOUT = click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), help="Give up after this many seconds."
)


class Commands(click.Group):
    """The group of commands; lists answer to their singular too."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        plural = f"{cmd_name}s" if cmd_name in PATHS else {"run": "runs"}.get(cmd_name, cmd_name)
        return super().get_command(ctx, plural)


class Context:
    """What the options before the command say; the client is made when a command asks for it."""

    def __init__(self, profile: str, url: str, key: str) -> None:
        self.name, self.url, self.key = profile, url, key

    @property
    def client(self) -> Client:
        """Calls as the chosen profile."""
        return _connected(profile_named(self.name, url=self.url, key=self.key))


here = click.make_pass_decorator(Context)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=PROGRAM)
@click.option(
    "--profile", default=DEFAULT, envvar="HEADRACE_PROFILE", show_default=True, help="Which stored key to use."
)
@click.option("--url", default="", envvar="HEADRACE_URL", help="Address of the installation.")
@click.option("--api-key", default="", envvar="HEADRACE_APIKEY", hidden=True)
@click.pass_context
def cli(ctx: click.Context, profile: str, url: str, api_key: str) -> None:
    """Look at what a Headrace workspace holds, run syncs, and plan and deploy changes.

    The workspace is that of the API key. HEADRACE_URL and HEADRACE_APIKEY stand for what `login` stores.
    """
    ctx.obj = Context(profile, url, api_key)


@cli.command()
@here
def login(context: Context) -> None:
    """Store an API key of a workspace, after trying it."""
    url = checked_url(context.url or click.prompt("Address of the installation", default="http://127.0.0.1:8000"))
    key = context.key or click.prompt("API key", hide_input=True)
    profile = Profile(url, key.strip())
    _connected(profile).get("/syncs", limit=1)
    path = save_profile(context.name, profile)
    say(f"Signed in at {url}. The key is in {path}, which only you can read.")


@cli.command()
@here
def logout(context: Context) -> None:
    """Forget a stored API key. It keeps working until somebody revokes it."""
    if not forget_profile(context.name):
        raise CliError(f"There is no profile “{context.name}” in {file_path()}.")
    say(f"Forgot the profile “{context.name}”. Revoke the key in the workspace's settings to end it.")


def _listing(kind: str) -> click.Command:
    """``headrace syncs`` and its like."""

    @click.command(f"{kind}s", help=f"List the {kind}s of the workspace.")
    @JSON_OPTION
    @here
    def listing(context: Context, as_json: bool) -> None:
        _print_list(context.client, kind, as_json)

    return listing


for _kind in PATHS:
    cli.add_command(_listing(_kind))


@cli.command("list")
@click.argument("kind", type=click.Choice([name for kind in PATHS for name in (kind, f"{kind}s")]), metavar="KIND")
@JSON_OPTION
@here
def list_things(context: Context, kind: str, as_json: bool) -> None:
    """List the things of one KIND: sources, models, destinations, syncs or sequences."""
    _print_list(context.client, kind.removesuffix("s"), as_json)


@cli.command()
@click.argument("resource")
@click.option("-f", "--format", "shape", type=click.Choice(["json", "yaml"]), default="json", show_default=True)
@here
def inspect(context: Context, resource: str, shape: str) -> None:
    """Print the definition of a RESOURCE such as model/customers or sync/12."""
    kind, _, wanted = resource.partition("/")
    kind = kind.removesuffix("s")
    if kind not in PATHS or not wanted:
        raise click.UsageError(f"Name it as KIND/NAME, with one of {', '.join(PATHS)}: model/customers, sync/12.")
    client = context.client
    found = client.find(kind, wanted)
    whole = client.get(f"/{PATHS[kind]}/{found['id']}")
    (print_yaml if shape == "yaml" else print_json)(whole)


@cli.command()
@SYNC_ARGUMENT
@SYNC_OPTION
@click.option("-l", "--limit", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many runs.")
@JSON_OPTION
@here
def runs(context: Context, sync: str | None, sync_option: str | None, limit: int, as_json: bool) -> None:
    """List the latest runs of a SYNC."""
    client = context.client
    found = client.find("sync", _one(sync, sync_option))
    rows = client.get(f"/syncs/{found['id']}/runs", limit=limit)["data"]
    if as_json:
        print_json(rows)
        return
    headings = ("Id", "Status", "Started", "Finished", "Queried", "Successful", "Rejected", "Error")
    print_table(headings, (_run_line(run) for run in rows))


@cli.command()
@SYNC_ARGUMENT
@SYNC_OPTION
@click.option("-f", "--full-sync", is_flag=True, help="Send every row again, whatever was sent before.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.option("--no-wait", is_flag=True, help="Return as soon as the run has started.")
@TIMEOUT
@JSON_OPTION
@here
def trigger(
    context: Context,
    sync: str | None,
    sync_option: str | None,
    full_sync: bool,
    quiet: bool,
    no_wait: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Run a SYNC (or sequence/NAME) and wait until it has ended.

    Exits with 0 when all rows arrived, 3 when some were rejected, 1 when the run failed.
    """
    client = context.client
    kind, wanted = _kind_and_name(_one(sync, sync_option))
    if kind == "sequence" and full_sync:
        raise click.UsageError("A sequence runs its syncs as they are; --full-sync is for one sync.")
    found = client.find(kind, wanted)
    body = {"fullResync": full_sync} if kind == "sync" else {}
    started = client.post(f"/{PATHS[kind]}/{found['id']}/trigger", body)
    if no_wait:
        print_json(started) if as_json else say(f"Started run {started['id']}.")
        return
    calm = quiet or as_json
    if kind == "sync":
        run = running.follow_sync_run(client, found["id"], started["id"], quiet=calm, timeout=timeout)
    else:
        run = running.follow_sequence_run(client, started["id"], quiet=calm, timeout=timeout)
    if as_json:
        print_json(run)
    elif not quiet:
        say(running.describe(run) if kind == "sync" else f"{run['status']}.")
    sys.exit(running.exit_of(run["status"]))


@cli.command()
@SYNC_ARGUMENT
@SYNC_OPTION
@click.option("--sample", type=click.IntRange(0, 100), default=10, show_default=True, help="How many rows to show.")
@TIMEOUT
@JSON_OPTION
@here
def plan(
    context: Context, sync: str | None, sync_option: str | None, sample: int, timeout: float | None, as_json: bool
) -> None:
    """Show what the next run of a SYNC would do, without doing it.

    Exits with 0 when there is nothing to send, 2 when there is, 1 when the plan could not be made.
    """
    client = context.client
    found = client.find("sync", _one(sync, sync_option))
    made = planning.make_plan(client, found, sample=sample, timeout=timeout, quiet=as_json)
    print_json(made) if as_json else planning.show_plan(made)
    sys.exit(Exit.CHANGES if made["changes"] else Exit.OK)


@cli.command()
@click.argument("resources", nargs=-1, required=True)
@click.option("--to", "target", required=True, metavar="PROFILE", help="The profile of the workspace to deploy to.")
@click.option(
    "--plan", "only_plan", is_flag=True, help="Only show what would change; exits with 2 where something would."
)
@click.option("--schedule", is_flag=True, help="Deploy the schedules of syncs too.")
@click.option(
    "--answer", "answers", multiple=True, metavar="RESOURCE:PATH=VALUE", help="What the plan asks for; may be repeated."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask before deploying.")
@JSON_OPTION
@here
def deploy(
    context: Context,
    resources: tuple[str, ...],
    target: str,
    only_plan: bool,
    schedule: bool,
    answers: tuple[str, ...],
    yes: bool,
    as_json: bool,
) -> None:
    """Copy models and syncs to another workspace: RESOURCES such as model/customers sync/orders.

    The plan names what it asks for, for example setting.table; answer it with --answer sync/orders:setting.table=x.
    """
    client = context.client
    items = {resource: deploying.item_of(client, *_kind_and_name(resource)) for resource in resources}
    other = profile_named(target, url=context.url)
    said = deploying.answers_of(answers, items)
    deployment = deploying.Deployment(client, other, items.values(), answers=said, schedule=schedule)
    made = deployment.plan()
    if only_plan:
        print_json(made) if as_json else deploying.show_plan(made)
        changes = any(item["action"] != "unchanged" for item in made["items"])
        sys.exit(Exit.ERROR if not made["ready"] else Exit.CHANGES if changes else Exit.OK)
    if not as_json:
        deploying.show_plan(made)
    if not yes:
        click.confirm("Deploy?", abort=True, err=True)
    done = deployment.apply(made["digest"])
    print_json(done) if as_json else deploying.show_outcome(done)
    sys.exit(Exit.OK if done["state"] == "done" else Exit.ERROR)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a SHELL, to be sourced from its start-up file."""
    made = get_completion_class(shell)
    if made is None:
        raise CliError(f"No completion for {shell}.")
    click.echo(made(cli, {}, PROGRAM, "_HEADRACE_COMPLETE").source())


def run() -> NoReturn:
    """The program: every way to end has its own exit status."""
    try:
        cli.main(prog_name=PROGRAM, complete_var="_HEADRACE_COMPLETE", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(Exit.USAGE)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. What was started goes on at the server.", err=True)
        sys.exit(Exit.INTERRUPTED)
    except (httpx.HTTPError, OSError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(Exit.ERROR)
    sys.exit(Exit.OK)


def _connected(profile: Profile) -> Client:
    """A client that is closed when the command ends."""
    client = Client(profile)
    click.get_current_context().call_on_close(client.close)
    return client


def _one(argument: str | None, option: str | None) -> str:
    """The sync is named once: as an argument, or with ``--sync``."""
    if bool(argument) == bool(option):
        raise click.UsageError("Name one sync: as an argument or with --sync.")
    return argument or option or ""


def _kind_and_name(wanted: str) -> tuple[str, str]:
    """``sequence/nightly`` or ``sync/12``; a bare name is a sync."""
    kind, slash, name = wanted.partition("/")
    kind = kind.removesuffix("s")
    return (kind, name) if slash and kind in PATHS else ("sync", wanted)


def _print_list(client: Client, kind: str, as_json: bool) -> None:
    rows = list(client.every(kind))
    if as_json:
        print_json(rows)
        return
    columns = COLUMNS[kind]
    print_table([heading for heading, _ in columns], ([row.get(key) for _, key in columns] for row in rows))


def _run_line(run: Json) -> tuple[Any, ...]:
    done, failed = sum(running.counts(run, "successfulRows").values()), sum(running.counts(run, "failedRows").values())
    return run["id"], run["status"], run["startedAt"], run["finishedAt"], run["querySize"], done, failed, run["error"]
