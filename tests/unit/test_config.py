from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from controller import config
from controller.cli.effective import as_toml
from controller.config import TABLES, InvalidConfigError, Settings, load
from controller.domain.campaign import Campaign
from controller.domain.ids import CampaignId
from controller.errors import ConfigError
from controller.law import IT_GARANTE_2014

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "campaign-controller.example.toml"
REFERENCE = DOCS / "configuration.md"
BEGIN, END = "<!-- settings -->\n", "<!-- /settings -->"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("CC_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config, "SEARCHED", (Path("campaign-controller.toml"),))


def written(text: str, name: str = "campaign-controller.toml") -> Path:
    path = Path(name)
    path.write_text(text)
    return path


def problems(text: str = "") -> list[str]:
    with pytest.raises(InvalidConfigError) as caught:
        load(written(text) if text else None)
    return [str(problem) for problem in caught.value.problems]


# --- where it comes from -----------------------------------------------------------------------------


def test_without_a_file_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_ASTERISK__PASSWORD", "secret")
    settings = load()
    assert settings.asterisk.secret == "secret"
    assert settings.records_url == "sqlite+aiosqlite:////var/lib/campaign-controller/records.sqlite"
    assert settings.control_socket == Path("/var/lib/campaign-controller/control.sock")


def test_the_environment_goes_before_the_file_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    written('[asterisk]\npassword = "file"\nusername = "anna"\n[[agents]]\nid = "1"\n')
    monkeypatch.setenv("CC_ASTERISK__PASSWORD", "environment")
    monkeypatch.setenv("CC_AGENTS", '[{"id": "2"}, {"id": "3", "endpoint": "SIP/3"}]')
    settings = load()
    assert (settings.asterisk.secret, settings.asterisk.username) == ("environment", "anna")
    assert [(agent.id, agent.phone) for agent in settings.agents] == [("2", "PJSIP/2"), ("3", "SIP/3")]


def test_files_are_searched_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def named(name: str) -> str:
        return f'[controller]\nid = "{name}"\n[asterisk]\npassword = "x"\n'

    written(named("here"))
    assert load().controller.id == "here"
    monkeypatch.setenv("CC_CONFIG", str(written(named("variable"), "other.toml")))
    assert load().controller.id == "variable"
    assert load(written(named("option"), "third.toml")).controller.id == "option"


def test_a_file_that_is_named_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"--config: 'nowhere\.toml' is no file"):
        load(Path("nowhere.toml"))
    monkeypatch.setenv("CC_CONFIG", "nowhere.toml")
    with pytest.raises(ConfigError, match="CC_CONFIG: 'nowhere"):
        load()


@pytest.mark.parametrize("content", [b"[controller\n", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_what_is_no_toml_is_named(content: bytes) -> None:
    Path("campaign-controller.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"^campaign-controller\.toml: "):
        load()


# --- every mistake at once, each with its place ------------------------------------------------------


def test_every_mistake_is_reported_with_place_value_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CC_REDIS__TIMEOUT", "soon")
    monkeypatch.setenv("CC_ASTERSIK__URL", "x")
    found = problems(
        '[controller]\nlog_level = "loud"\n'
        '[asterisk]\nurl = "ftp://pbx"\nrequest_timeout = -1\n\n'
        '[[agents]]\nid = "1"\n[[agents]]\nname = "Bruno"\nendpont = "PJSIP/2"\n'
        '[campaign_defaults]\nregion = "Italy"\nregulation = "none"\n'
        'dial_string = "PJSIP/x"\noverdial = 0.5\n'
        "[spare]\nkey = 1\n"
    )
    expected = [
        r"environment CC_ASTERSIK__URL: there is no such table \(allowed: .*CC_ASTERISK__",
        r"campaign-controller.toml line 2: controller.log_level: 'loud' .*allowed: 'debug', 'info'",
        r"line 4: asterisk.url: 'ftp://pbx' .*allowed: http://host:port/ari",
        r"line 3: asterisk.password_file: there is neither password nor password_file",
        r"line 5: asterisk.request_timeout: -1 .*allowed: greater than 0",
        r"environment CC_REDIS__TIMEOUT: 'soon' .*allowed: a valid number",
        r"line 9: agents\[1\].id: is missing \(allowed: The agent's extension",
        r"line 11: agents\[1\].endpont: .* did you mean 'endpoint'\?",
        r"line 13: campaign_defaults.region: 'Italy' .*ISO 3166",
        r"line 14: campaign_defaults.regulation: 'none' .*it-garante-2014",
        r"line 15: campaign_defaults.dial_string: 'PJSIP/x' .*\{number\} once",
        r"line 16: campaign_defaults.overdial: 0.5 .*greater than or equal to 1",
        r"line 17: spare: there is no such setting",
    ]
    for pattern in expected:
        assert [line for line in found if re.search(pattern, line)], (pattern, found)
    assert len(found) == len(expected)


def test_the_message_is_the_whole_list() -> None:
    with pytest.raises(InvalidConfigError) as caught:
        load(written('[controller]\nlog_level = "loud"\n'))
    assert str(caught.value).splitlines()[0] == "configuration: 2 values cannot be used:"
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    "line",
    [
        '[asterisk]\npassword = "hunter2"\nrequest_timeout = 0',
        '[asterisk]\npasword = "hunter2"',
        "[asterisk]\npassword = ['hunter2']",
        'asterisk = "password=hunter2"',
        '[asterisk]\npassword = "x"\n[redis]\nurl = "http://user:hunter2@host"',
        '[asterisk]\npassword = "x"\n[records]\nurl = "mysql://user:hun@hunter2@host"',
        '[asterisk]\npassword = "x"\n[lab]\nlab_token = ["hunter2"]',
    ],
)
def test_no_mistake_betrays_a_secret(line: str) -> None:
    found = problems(line)
    assert not [problem for problem in found if "hunter2" in problem]


def test_no_variable_betrays_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_ASTERISK", '{"password": "hunter2",')
    assert not [problem for problem in problems() if "hunter2" in problem]


def test_the_traceback_of_a_mistake_betrays_nothing() -> None:
    with pytest.raises(InvalidConfigError) as caught:
        load(written('[asterisk]\npassword = "hunter2"\ntransport = "pigeon"\n'))
    assert caught.value.__cause__ is None
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_agents_are_distinct() -> None:
    text = '[asterisk]\npassword = "x"\n' + '[[agents]]\nid = "1"\n' * 2
    assert "1 stands there twice" in problems(text)[0]


@pytest.mark.parametrize("value", ["nan", "inf", "0", "99999"])
def test_times_are_finite_and_sane(value: str) -> None:
    assert len(problems(f'[asterisk]\npassword = "x"\nrequest_timeout = {value}\n')) == 1


@pytest.mark.parametrize("caller", ["a{b}", "a:b", "x" * 65])
def test_a_caller_fits_into_a_redis_key(caller: str) -> None:
    assert len(problems(f'[asterisk]\npassword = "x"\n[campaign_defaults]\ncaller = "{caller}"\n')) == 1


# --- passwords, state directory ----------------------------------------------------------------------


def test_the_password_can_be_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("password").write_text("from the file\n")
    monkeypatch.setenv("CC_ASTERISK__PASSWORD_FILE", "password")
    assert load().asterisk.secret == "from the file"
    Path("password").write_text("\n")
    assert "empty line" in problems()[0]
    Path("password").unlink()
    assert "cannot be read" in problems()[0]
    monkeypatch.setenv("CC_ASTERISK__PASSWORD", "too")
    assert "there is a password already" in problems()[0]


def test_the_lab_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_ASTERISK__PASSWORD", "x")
    monkeypatch.setenv("CC_LAB__ALLOW_BUDGET_OVERRIDE", "true")
    assert "CC_LAB__LAB_TOKEN: allow_budget_override needs it" in problems()[0]
    monkeypatch.setenv("CC_LAB__LAB_TOKEN", "t")
    assert load().lab.lab_token == SecretStr("t")


def settings_in(state_dir: Path) -> Settings:
    return load(written(f'[controller]\nstate_dir = "{state_dir}"\n[asterisk]\npassword = "x"\n'))


def test_the_state_directory_is_made_for_its_user_alone(tmp_path: Path) -> None:
    made = config.ensure_state_dir(settings_in(tmp_path / "deep" / "state"))
    assert made.stat().st_mode & 0o777 == 0o700
    assert config.ensure_state_dir(settings_in(made)) == made
    made.chmod(0o777)
    with pytest.raises(ConfigError, match="every user may write to it"):
        config.ensure_state_dir(settings_in(made))


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"controller\.state_dir: .*file/state"):
        config.ensure_state_dir(settings_in(tmp_path / "file" / "state"))


def test_a_path_too_long_for_a_socket_is_refused() -> None:
    assert (
        "Unix socket" in problems(f'[controller]\nstate_dir = "/{"x" * 90}"\n[asterisk]\npassword="x"\n')[0]
    )


# --- the defaults, the example, the reference -----------------------------------------------------------


def test_the_defaults_are_the_domains() -> None:
    made = Settings(asterisk={"password": "x"}).campaign_defaults.campaign(CampaignId("c"), IT_GARANTE_2014)  # type: ignore[arg-type]
    assert made == Campaign(id=CampaignId("c"), caller="", law=IT_GARANTE_2014)


def test_settings_cannot_be_changed() -> None:
    settings = load(written('[asterisk]\npassword = "x"\n'))
    with pytest.raises(ValueError, match="frozen"):
        settings.redis.timeout = 5


def test_the_effective_configuration_is_a_configuration_without_secrets() -> None:
    text = (
        '[asterisk]\npassword = "hunter2"\n[redis]\nurl = "redis://:hunter2@host:1/0"\n'
        '[lab]\nlab_token = "hunter2"\n[[agents]]\nid = "1"\nname = "D\'Anna \\"A\\" è\\\\"\n'
    )
    settings = load(written(text))
    shown = as_toml(settings)
    assert "hunter2" not in shown
    again = load(written(shown, "again.toml"))
    assert again.agents == settings.agents
    assert again.campaign_defaults == settings.campaign_defaults
    assert again.controller == settings.controller


def test_the_example_is_right_as_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_ASTERISK__PASSWORD", "x")
    settings = load(EXAMPLE)
    assert [agent.id for agent in settings.agents] == ["1001", "1002"]


def test_the_example_shows_every_setting_with_its_default() -> None:
    shown = tomllib.loads(re.sub(r"(?m)^#(?=\w+ = )", "", EXAMPLE.read_text()))
    assert list(shown) == list(TABLES)
    defaults = Settings(asterisk={"password": ""}).model_dump(mode="json")  # type: ignore[arg-type]
    # Shown as an example, for both stand for "none".
    defaults["asterisk"]["password_file"] = shown["asterisk"]["password_file"]
    defaults["regulation"]["directory"] = shown["regulation"]["directory"]
    defaults["privacy"]["number_key_file"] = shown["privacy"]["number_key_file"]
    defaults["api"] |= {name: shown["api"][name] for name in ("certificate", "key")}
    for table, values in shown.items():
        if table != "agents":
            assert values == defaults[table], table
    assert {key for agent in shown["agents"] for key in agent} == set(TABLES["agents"].model_fields)


def reference() -> str:
    """The tables of docs/configuration.md, as the code has them."""
    lines: list[str] = []
    for name, table in TABLES.items():
        header = "[[agents]], one for each agent" if name == "agents" else f"[{name}]"
        lines += [f"### {header}", "", "| key | default | meaning |", "|---|---|---|"]
        for key, field in table.model_fields.items():
            lines.append(f"| `{key}` | {_default(field.default)} | {field.description} |")
        lines.append("")
    return "\n".join(lines)


def _default(value: object) -> str:
    match value:
        case _ if value is PydanticUndefined:
            return "required"
        case None:
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case SecretStr():
            return '`""`'
        case str() | Path():
            return f'`"{value}"`'
        case ():
            return "`[]`"
        case _:
            return f"`{value}`"


def test_the_reference_is_true() -> None:
    text = REFERENCE.read_text()
    told = text[text.index(BEGIN) + len(BEGIN) : text.index(END)]
    assert told == reference(), "docs/configuration.md is out of date: python -m tests.unit.test_config"


def test_every_setting_is_described() -> None:
    assert not [
        f"{name}.{key}"
        for name, table in TABLES.items()
        for key, field in table.model_fields.items()
        if not field.description
    ]


def test_nothing_else_reads_the_environment() -> None:
    package = Path(config.__file__).parents[1]
    readers = {
        path.relative_to(package).parts[0]
        for path in package.rglob("*.py")
        if re.search(r"os\.(environ|getenv)|from os import .*(environ|getenv)", path.read_text())
    }
    assert readers <= {"config"}


if __name__ == "__main__":
    old = REFERENCE.read_text()
    REFERENCE.write_text(old[: old.index(BEGIN) + len(BEGIN)] + reference() + old[old.index(END) :])
    sys.stdout.write(f"{REFERENCE} written\n")
