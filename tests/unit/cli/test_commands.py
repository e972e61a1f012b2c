from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from controller.domain.budget import Budget
from controller.domain.campaign import Campaign, CampaignState, Override
from controller.domain.ids import CampaignId
from controller.domain.outcome import Outcome
from controller.errors import ProtocolError, RecordsUnreachable, RedisUnreachable, Refused
from controller.law import IT_GARANTE_2014
from controller.ports import CampaignFigures, CampaignRow
from tests.unit.api.operations import FakeOperations
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fakes import Stores


def add_campaign(stores: Stores, name: str = "spring", caller: str = "Acme") -> None:
    campaign = Campaign(id=CampaignId(name), caller=caller, law=IT_GARANTE_2014)
    stores.rows[name] = CampaignRow(campaign=campaign, state=CampaignState.PAUSED, reason="lunch")
    stores.all_figures[name] = CampaignFigures(
        campaign=campaign.id, contacts=3, pending=1, by_outcome={Outcome.CONNECTED: 2}
    )
    stores.budgets[name] = Budget(successes=2)


# --- usage, configuration, exit codes ---------------------------------------------------------------------


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from controller.cli import main\n"
        "sys.argv = ['campaign-controller', 'campaign', 'create', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'asyncio', 'aiohttp', 'controller.config', 'sqlalchemy', 'phonenumbers', 'structlog'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30, capture_output=True)


def test_the_module_runs_too() -> None:
    command = [sys.executable, "-m", "controller", "--version"]
    done = subprocess.run(command, check=True, timeout=30, capture_output=True, text=True)
    assert done.stdout.startswith("campaign-controller 0.")


@pytest.mark.parametrize(
    "args", [["fly"], ["campaign", "start"], ["report"], ["status", "--watch", "--json"]]
)
def test_wrong_usage_is_2(cli: Cli, args: list[str]) -> None:
    assert cli(*args).exit_code == 2


def test_check_config_prints_what_is_in_force_without_secrets(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC_REDIS__URL", "redis://:hunter2@host/0")
    done = cli("check-config")
    assert done.exit_code == 0
    assert "hunter2" not in done.output
    assert done.stdout.startswith(
        "# file: campaign-controller.toml\n# environment: CC_REDIS__URL\n[controller]\n"
    )
    assert 'url = "redis://:********@host/0"' in done.stdout


@pytest.mark.parametrize(
    "args",
    [
        ["--config", "bad.toml", "check-config"],
        ["check-config", "--config", "bad.toml"],
        ["check-config", "--config=bad.toml"],
        ["run", "--config", "bad.toml"],
    ],
)
def test_a_bad_configuration_is_2_with_every_mistake(cli: Cli, stores: Stores, args: list[str]) -> None:
    Path("bad.toml").write_text('[controller]\nlog_level = "loud"\nid = "a b"\n[asterisk]\npassword = "x"\n')
    done = cli(*args)
    assert done.exit_code == 2
    assert "bad.toml line 2: controller.log_level" in done.stderr
    assert "bad.toml line 3: controller.id" in done.stderr
    assert not stores.ran


def test_what_follows_a_double_dash_is_not_an_option(cli: Cli, stores: Stores) -> None:
    done = cli("report", "--", "--config")
    assert done.exit_code == 2
    assert "there is no campaign '--config'" in done.stderr


def test_run_runs_the_controller_with_the_settings(cli: Cli, stores: Stores) -> None:
    assert cli("run").exit_code == 0
    assert stores.ran[0].asterisk.secret == "hunter2"


def test_errors_have_exit_codes_and_no_traceback(cli: Cli, stores: Stores) -> None:
    for error, code in [
        (RecordsUnreachable("the database at x does not answer"), 3),
        (Refused("no"), 1),
        (ProtocolError("a bug"), 1),
    ]:
        stores.records_error = error
        done = cli("campaign", "list")
        assert done.exit_code == code
        assert done.stderr == f"campaign-controller: {error}\n"
        assert done.stdout == ""


def test_errors_out_of_a_task_group_are_told_once_each_and_bugs_stay_bugs(cli: Cli, stores: Stores) -> None:
    away = RedisUnreachable("Redis is away")
    stores.records_error = ExceptionGroup("tasks", [ExceptionGroup("inner", [away, away]), Refused("no")])
    done = cli("campaign", "list")
    assert done.exit_code == 3
    assert done.stderr == "campaign-controller: Redis is away\ncampaign-controller: no\n"
    stores.records_error = ExceptionGroup("tasks", [away, KeyError("bug")])
    assert isinstance(cli("campaign", "list").exception, ExceptionGroup)


def test_a_command_does_not_wait_for_ever() -> None:
    import asyncio

    from controller.cli.shell import run_async
    from controller.errors import Unreachable

    with pytest.raises(Unreachable, match=r"not done within 0\.05 s"):
        run_async(asyncio.sleep(10), timeout=0.05)


# --- campaigns ------------------------------------------------------------------------------------------


def test_create_takes_the_defaults_and_what_it_is_told(
    cli: Cli, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC_CAMPAIGN_DEFAULTS__CALLER", "Acme")
    monkeypatch.setenv("CC_CAMPAIGN_DEFAULTS__WRAP_UP", "7")
    done = cli("campaign", "create", "spring", "--ring-timeout", "20", "--caller-number", "+390212345")
    assert done.exit_code == 0, done.stderr
    made = stores.rows["spring"].campaign
    assert (made.caller, made.caller_number) == ("Acme", "+390212345")
    assert (made.ring_timeout, made.wrap_up) == (timedelta(seconds=20), timedelta(seconds=7))
    assert made.override is None
    assert cli("campaign", "create", "spring").exit_code == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "--caller: is missing"),
        (["--caller", "A", "--overdial", "0.5"], "--overdial: 0.5 cannot be used (allowed: greater than"),
        (
            ["--caller", "A", "--regulation", "none"],
            "--regulation: 'none' is unknown (allowed: it-garante-2014,",
        ),
        (["--caller", "A", "--max-lines", "0", "--wrap-up", "-1"], "options: 2 values cannot be used"),
        (["--caller", "A", "--author", "x"], "belong to --override-budget"),
        (["--caller", "A", "--override-budget"], "needs --author and --reason"),
    ],
)
def test_create_refuses_what_cannot_be(cli: Cli, stores: Stores, args: list[str], message: str) -> None:
    done = cli("campaign", "create", "spring", *args)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not stores.rows


def test_a_campaign_has_a_plain_name(cli: Cli, stores: Stores) -> None:
    assert cli("campaign", "create", "a b", "--caller", "A").exit_code == 2


def test_the_budget_is_lifted_in_a_lab_only(
    cli: Cli, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    lift = ["--override-budget", "--author", "Anna", "--reason", "demo"]
    done = cli("campaign", "create", "burst", "--caller", "A", *lift)
    assert done.exit_code == 1
    assert "in a lab only" in done.stderr
    monkeypatch.setenv("CC_LAB__ALLOW_BUDGET_OVERRIDE", "true")
    monkeypatch.setenv("CC_LAB__LAB_TOKEN", "t")
    assert cli("campaign", "create", "burst", "--caller", "A", *lift).exit_code == 0
    assert stores.rows["burst"].campaign.override == Override(author="Anna", reason="demo")


def test_campaigns_are_listed(cli: Cli, stores: Stores) -> None:
    assert "no campaigns yet" in cli("campaign", "list").stdout
    add_campaign(stores, caller="Acme [b]")
    out = cli("campaign", "list").stdout
    for word in ["spring", "paused", "Acme [b]", "it-garante-2014", "lunch"]:
        assert word in out
    assert json.loads(cli("campaign", "list", "--json").stdout)[0]["state"] == "paused"


def test_campaigns_are_started_paused_and_stopped(
    cli: Cli, operations: FakeOperations, stores: Stores
) -> None:
    add_campaign(stores)
    started = cli("campaign", "start", "spring")
    assert started.exit_code == 0
    # What the law asks for that nobody here sees to, in plain words.
    assert "does not cover: whether a consent is valid" in started.stdout
    assert cli("campaign", "pause", "spring", "--reason", "lunch").exit_code == 0
    assert cli("campaign", "stop", "spring").exit_code == 0
    assert operations.asked == [("start", "spring"), ("pause", "spring", "lunch"), ("stop", "spring")]


def test_a_refusal_of_the_controller_is_1(cli: Cli, operations: FakeOperations) -> None:
    operations.error = Refused("campaign spring is running already")
    done = cli("campaign", "start", "spring")
    assert done.exit_code == 1
    assert done.stderr == "campaign-controller: campaign spring is running already\n"


@pytest.mark.parametrize(
    "args", [["campaign", "start", "x"], ["agent", "login", "1"], ["status"], ["status", "--watch"]]
)
def test_without_a_controller_it_is_3_and_says_how_to_start_one(cli: Cli, args: list[str]) -> None:
    done = cli(*args)
    assert done.exit_code == 3
    assert "start it with `campaign-controller run`" in done.stderr


def test_the_status_of_campaigns(cli: Cli, operations: FakeOperations) -> None:
    out = cli("campaign", "status").stdout
    assert "spring" in out
    assert "no agent is free" in out
    assert json.loads(cli("campaign", "status", "spring", "--json").stdout)[0]["silent_allowed"] == 3
    done = cli("campaign", "status", "autumn")
    assert done.exit_code == 1
    assert "campaign-controller report autumn" in done.stderr


def test_pacing_is_explained(cli: Cli, operations: FakeOperations) -> None:
    out = cli("campaign", "pacing", "spring").stdout
    assert "campaign spring: predictive; 1234 decisions" in out
    assert "predictions come true: of late 2.5 silent calls were predicted, 3.0 happened" in out
    assert "31% answer, after 4 / 10 / 20 s" in out
    assert "taken back after 15 s of ringing" in out
    assert "1 + 2" in out
    assert "one more call would too likely find no agent" in out
    assert "1 / 0 / 5 / 2" in out
    assert "3 / 0 / 2" in out
    assert "03:04:05.0 +1.0 s" in out
    assert "0.081" in out
    assert "ramp limit; 2 hopeless calls taken back" in out
    assert operations.asked == [("pacing", "spring", "20", "")]
    told = json.loads(cli("campaign", "pacing", "spring", "--limit", "1", "--json").stdout)
    assert [each["soon_free"] for each in told["recent"]] == [1.8]


def test_pacing_of_an_hour(cli: Cli, operations: FakeOperations) -> None:
    for text, expected in [
        ("14:03", "T14:03:00+00:00"),
        ("14:03:20", "T14:03:20+00:00"),
        ("2026-12-01T14:03Z", "2026-12-01T14:03:00+00:00"),
        ("2026-12-01 14:03+01:00", "2026-12-01T14:03:00+01:00"),
    ]:
        assert cli("campaign", "pacing", "spring", "--before", text).exit_code == 0
        assert operations.asked[-1][-1].endswith(expected)
    out = cli("campaign", "pacing", "spring", "--before", "2020-01-01").stdout
    assert "no decision was made until then" in out
    done = cli("campaign", "pacing", "spring", "--before", "noon")
    assert done.exit_code == 2
    assert "14:03:20" in done.stderr


def test_pacing_of_a_campaign_that_has_not_dialed(cli: Cli, operations: FakeOperations) -> None:
    done = cli("campaign", "pacing", "autumn")
    assert done.exit_code == 1
    assert "has not dialed since the controller started" in done.stderr


# --- agents, status -------------------------------------------------------------------------------------


def test_agents_are_commanded(cli: Cli, operations: FakeOperations) -> None:
    for verb in ["login", "pause", "ready", "logout"]:
        done = cli("agent", verb, "1001")
        assert done.exit_code == 0
        assert "1001" in done.stdout
    assert operations.asked == [
        ("login", "1001"),
        ("agent pause", "1001"),
        ("ready", "1001"),
        ("logout", "1001"),
    ]


def test_agents_are_listed_also_those_away(cli: Cli, operations: FakeOperations) -> None:
    agents = json.loads(cli("agent", "list", "--json").stdout)
    assert [(agent["id"], agent["name"], agent["state"]) for agent in agents] == [
        ("1001", "Anna", "talking"),
        ("1002", "Bruno", "away"),
    ]
    out = cli("agent", "list").stdout
    assert "Bruno" in out
    assert "away" in out


def test_the_status_shows_faults_campaigns_and_agents(cli: Cli, operations: FakeOperations) -> None:
    out = cli("status").stdout
    assert "FAULT: Redis gives no answer" in out
    assert "spring" in out
    assert "talking" in out
    assert "answer to command: p50 4.0 ms, p99 12.5 ms, max 30.0 ms (last 100 answered calls)" in out
    document = json.loads(cli("status", "--json").stdout)
    assert document["campaigns"][0]["outcomes"] == {"connected": 100, "no-answer": 30}
    assert document["agents"][0]["wish"] == "pause"
    assert document["answer_to_command"] == {"count": 100, "p50": 0.004, "p99": 0.0125, "max": 0.03}


def test_watching_ends_with_ctrl_c(
    cli: Cli, operations: FakeOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    seen = 0

    async def pause(_seconds: float) -> None:
        nonlocal seen
        seen += 1
        if seen == 2:
            operations.error = RedisUnreachable("the controller is gone for a while")
        if seen == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(asyncio, "sleep", pause)
    done = cli("status", "--watch")
    assert done.exit_code == 130
    assert "gone for a while" in done.stdout


# --- import, report, suppression ------------------------------------------------------------------------


def test_import_hands_over_what_it_is_told(cli: Cli, stores: Stores) -> None:
    add_campaign(stores)
    Path("c.csv").write_text("number\n")
    done = cli("import", "spring", "c.csv")
    assert done.exit_code == 0, done.stderr
    assert "10 rows: 8 contacts stored, 2 rejected" in done.stdout
    assert "c.rejects.csv" in done.stdout
    cli("import", "spring", "c.csv", "--number-column", "tel", "--name-column", "who",
        "--region", "fr", "--rejects", "r.csv")  # fmt: skip
    unsaid = {"consent_basis": "", "consent_source": "", "consent_date": ""}
    assert stores.imports == [
        (
            Path("c.csv"),
            "spring",
            {"region": "IT", "number_column": None, "name_column": None, "rejects_path": None, **unsaid},
        ),
        (
            Path("c.csv"),
            "spring",
            {
                "region": "FR",
                "number_column": "tel",
                "name_column": "who",
                "rejects_path": Path("r.csv"),
                **unsaid,
            },
        ),
    ]
    assert json.loads(cli("import", "spring", "c.csv", "--json").stdout)["rejects"] == "c.rejects.csv"


def test_import_needs_a_campaign_and_a_file(cli: Cli, stores: Stores) -> None:
    add_campaign(stores)
    Path("c.csv").write_text("number\n")
    done = cli("import", "sprong", "c.csv")
    assert done.exit_code == 2
    assert "there is no campaign 'sprong' (allowed: spring)" in done.stderr
    assert cli("import", "spring", "nowhere.csv").exit_code == 2
    assert not stores.imports


def test_the_report(cli: Cli, stores: Stores) -> None:
    add_campaign(stores)
    done = cli("report", "spring")
    assert done.exit_code == 0
    assert "law              kept" in done.stdout
    assert json.loads(cli("report", "spring", "--json").stdout)["connected"] == 2
    assert cli("report", "autumn").exit_code == 2


def test_without_redis_the_report_comes_from_the_records_and_says_so(cli: Cli, stores: Stores) -> None:
    add_campaign(stores)
    stores.ledger_error = RedisUnreachable("Redis is away")
    done = cli("report", "spring")
    assert done.exit_code == 3
    assert "connected        2" in done.stdout
    assert "not compared with Redis: Redis is away" in done.stderr


@pytest.mark.parametrize("number", ["+39 347 1234567", "347 123 4567", "0039347-1234567"])
def test_a_suppressed_number_is_explained_in_any_form(cli: Cli, stores: Stores, number: str) -> None:
    add_campaign(stores)
    add_campaign(stores, "other", "Beta")
    stores.suppress("Beta", "+393471234567")
    done = cli("suppression", "show", number)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == (
        "+393471234567 is not called for Beta: silent call, since 2026-01-02 03:04:05 UTC "
        "(call call-1), for another 1 day, 1:01:01\n"
    )
    assert json.loads(cli("suppression", "show", number, "--json").stdout)[0]["expires_in"] == 90_061
    assert "is not suppressed" in cli("suppression", "show", number, "--caller", "Acme").stdout


@pytest.mark.parametrize("number", ["x", "12", "+39 1"])
def test_what_is_no_number_is_2(cli: Cli, stores: Stores, number: str) -> None:
    done = cli("suppression", "show", number)
    assert done.exit_code == 2
    assert "NUMBER" in done.stderr


def test_with_a_caller_suppressions_need_no_records(cli: Cli, stores: Stores) -> None:
    stores.records_error = RecordsUnreachable()
    assert cli("suppression", "show", "+393471234567", "--caller", "Acme").exit_code == 0


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_lists_mask_numbers_unless_told_otherwise(cli: Cli, stores: Stores, extra: list[str]) -> None:
    assert "no number is suppressed" in cli("suppression", "list").stdout
    add_campaign(stores)
    stores.suppress("Acme", "+393471234567", 100)
    stores.suppress("Acme", "+390212345678", 50)
    masked = cli("suppression", "list", *extra).stdout
    assert "+393471234567" not in masked
    assert masked.index("+3902") < masked.index("+3934******67")
    assert "+393471234567" in cli("suppression", "list", "--full-numbers", *extra).stdout


def test_a_campaign_of_a_region_without_holidays_of_its_own_is_refused(cli: Cli, stores: Stores) -> None:
    path = Path("campaign-controller.toml")
    path.write_text(path.read_text() + '[campaign_defaults]\nsubdivision = "ZZ"\n')
    done = cli("campaign", "create", "spring", "--caller", "Acme")
    assert done.exit_code == 2
    assert "IT has no part 'ZZ'" in done.stderr
    assert not stores.rows
