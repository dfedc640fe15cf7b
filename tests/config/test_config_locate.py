"""Where the configuration and its folders are."""

from pathlib import Path

import pytest

from sparrow.config.load import parse_config
from sparrow.config.locate import (
    UNIT_RUN_DIR,
    Folders,
    find_config,
    find_folders,
    find_run_dirs,
    guess_run_dir,
    settle,
)
from sparrow.config.model import ServerConfig
from sparrow.errors import InputError, Problem

PATH = "/etc/sparrow/sparrow.yaml"
NAME = "sparrow-75ad76a8"


@pytest.mark.parametrize(
    ("option", "environ", "there", "found"),
    [
        ("o.yaml", {"SPARROW_CONFIG": "e.yaml"}, {"e.yaml", "./sparrow.yaml"}, "o.yaml"),
        (None, {"SPARROW_CONFIG": "e.yaml"}, {"e.yaml", "./sparrow.yaml"}, "e.yaml"),
        (None, {"SPARROW_CONFIG": ""}, {"./sparrow.yaml", PATH}, "./sparrow.yaml"),
        (None, {}, {PATH}, PATH),
    ],
)
def test_the_first_place_that_names_or_has_a_configuration_wins(
    option: str | None, environ: dict[str, str], there: set[str], found: str
) -> None:
    assert found == find_config(option, environ, there.__contains__)


def test_without_any_configuration_every_place_is_named() -> None:
    with pytest.raises(InputError) as caught:
        find_config(None, {}, lambda _: False)
    for place in ("./sparrow.yaml", PATH, "-c/--config", "$SPARROW_CONFIG"):
        assert place in str(caught.value)


def test_a_variable_that_names_no_file_is_an_error_of_its_own() -> None:
    with pytest.raises(InputError) as caught:
        find_config(None, {"SPARROW_CONFIG": "e.yaml"}, {PATH}.__contains__)
    assert (
        Problem("$SPARROW_CONFIG names this file, but it does not exist", "e.yaml"),
    ) == caught.value.problems


@pytest.mark.parametrize(
    ("uid", "environ", "run_dir", "state_dir"),
    [
        (0, {}, f"/run/sparrow/{NAME}", f"/var/lib/sparrow/{NAME}"),
        (
            0,
            {"RUNTIME_DIRECTORY": "/run/a:/run/b", "STATE_DIRECTORY": "/var/lib/a"},
            "/run/a",
            "/var/lib/a",
        ),
        (
            7,
            {"XDG_RUNTIME_DIR": "/run/user/7", "HOME": "/srv/people/x"},
            f"/run/user/7/sparrow/{NAME}",
            f"/srv/people/x/.local/state/sparrow/{NAME}",
        ),
        (
            7,
            {"XDG_STATE_HOME": "/s/", "HOME": "/srv/people/x"},
            f"/tmp/sparrow-7-{NAME}",
            f"/s/sparrow/{NAME}",
        ),
        (
            7,
            {"XDG_RUNTIME_DIR": "run", "XDG_STATE_HOME": "s"},
            f"/tmp/sparrow-7-{NAME}",
            f"/var/tmp/sparrow-7-{NAME}",
        ),
    ],
)
def test_folders_come_from_systemd_or_have_a_name_of_the_configurations_own(
    uid: int, environ: dict[str, str], run_dir: str, state_dir: str
) -> None:
    assert Folders(run_dir, state_dir, f"{state_dir}/cookie.secret") == find_folders(
        ServerConfig(), PATH, environ, uid
    )


@pytest.mark.parametrize(
    ("configured", "environ", "expected"),
    [
        (None, {}, (f"/tmp/sparrow-7-{NAME}", "/run/sparrow")),
        (None, {"RUNTIME_DIRECTORY": "/run/a:/run/b"}, ("/run/a",)),
        ("/r", {}, ("/r",)),
        ("/r", {"RUNTIME_DIRECTORY": "/run/a"}, ("/r",)),
    ],
)
def test_a_daemon_is_looked_for_where_the_unit_has_it_unless_its_folder_is_known(
    configured: str | None, environ: dict[str, str], expected: tuple[str, ...]
) -> None:
    server = ServerConfig().model_copy(update={"run_dir": configured})
    assert expected == find_run_dirs(server, PATH, environ, 7)


def test_the_folder_of_the_unit_is_that_of_the_unit() -> None:
    unit = Path(__file__).parents[2] / "contrib/systemd/sparrow.service"
    (line,) = [line for line in unit.read_text().splitlines() if "RuntimeDirectory=" in line]
    assert f"/run/{line.removeprefix('RuntimeDirectory=')}" == UNIT_RUN_DIR


def test_configured_folders_come_before_those_of_the_environment() -> None:
    text = "ssrs: {}\nserver: {run_dir: r, state_dir: /s, cookie_secret: c}\n"
    config = parse_config(text, PATH).config
    environ = {"RUNTIME_DIRECTORY": "/run/a", "STATE_DIRECTORY": "/var/lib/a"}
    folders = find_folders(config.server, PATH, environ, 0)
    assert Folders("/etc/sparrow/r", "/s", "/etc/sparrow/c") == folders


def test_two_configurations_of_one_name_have_folders_of_their_own() -> None:
    one, two = (
        find_folders(ServerConfig(), path, {}, 0) for path in ("/a/ü b.yaml", "/b/ü b.yaml")
    )
    assert one.run_dir != two.run_dir
    assert one.state_dir != two.state_dir
    assert one.run_dir.startswith("/run/sparrow/--b-")


def test_settled_folders_are_in_the_configuration() -> None:
    config = parse_config("ssrs: {}\n", PATH).config
    server = settle(config, Folders("/r", "/s", "/c")).server
    assert ("/r", "/s", "/c") == (server.run_dir, server.state_dir, server.cookie_secret)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("server:\n  run_dir: /srv/run\n", "/srv/run"),
        ("server: {run_dir: ../run, workers: 1}\n", "/etc/run"),
        ('{"server": {"workers": 1, "run_dir": "a b/c"}}', "/etc/sparrow/a b/c"),
        ("# run_dir: /old\nserver:\n  run_dir: '/x' # run_dir: /y\n", "/x"),
        ("server: {workers: 1}\n", f"/run/sparrow/{NAME}"),
        ("server:\n  run_dir: null\n", f"/run/sparrow/{NAME}"),
        ("server:\n  run_dir:\n  workers: 1\n", f"/run/sparrow/{NAME}"),
        ("", f"/run/sparrow/{NAME}"),
    ],
)
def test_the_run_directory_is_guessed_without_reading_the_configuration(
    text: str, found: str
) -> None:
    assert found == guess_run_dir(text.encode(), PATH, {}, 0)
