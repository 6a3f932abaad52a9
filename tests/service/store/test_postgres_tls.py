"""The connection to a PostgreSQL elsewhere is encrypted and its certificate checked, unless the URL says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import trustme

from service.api.settings import read_settings
from service.errors import DatabaseUnavailable
from service.store.database import check_database, engine_url
from service.store.postgres_tls import is_local, weakness, with_tls
from tests.peers.fetch import require
from tests.peers.postgres import Postgres

NAME = "db.example.com"
LOCAL = [
    "postgresql:///vmkops",
    "postgresql://localhost/vmkops",
    "postgresql://LOCALHOST:5432/vmkops",
    "postgresql://u:p@127.0.0.1:5432/vmkops",
    "postgresql://127.9.8.7/vmkops",
    "postgresql://[::1]:5432/vmkops",
    "postgresql:///vmkops?host=/run/postgresql",
    "postgresql:///vmkops?host=@vmkops",
    "postgresql://u@/vmkops?host=localhost:5432&host=127.0.0.1:5433",
]
ELSEWHERE = [
    "postgresql://db.example.com/vmkops",
    "postgresql://u:p@192.0.2.7:5432/vmkops?connect_timeout=3",
    "postgresql://[2001:db8::1]/vmkops",
    "postgresql://localhost.example.com/vmkops",
    "postgresql://u@/vmkops?host=localhost:5432&host=db.example.com:5433",
    "postgresql://u@/vmkops?host=/run/postgresql,db.example.com",
    "postgresql://localhost/vmkops?hostaddr=192.0.2.7",
]


@pytest.mark.parametrize("url", LOCAL)
def test_database_on_this_machine_needs_no_tls(url: str) -> None:
    assert is_local(url, {})
    assert with_tls(url, {}) == url
    assert weakness(f"{url}{'&' if '?' in url else '?'}sslmode=disable", {}) == ""


@pytest.mark.parametrize("url", ELSEWHERE)
def test_certificate_of_a_database_elsewhere_is_checked(url: str) -> None:
    found = sa.make_url(with_tls(url, {}))

    assert found.query["sslmode"] == "verify-full"
    assert found.difference_update_query(["sslmode"]) == sa.make_url(url)


@pytest.mark.parametrize("url", LOCAL[:1])
@pytest.mark.parametrize("name", ["PGHOST", "PGHOSTADDR"])
def test_host_in_the_environment_counts_when_the_url_names_none(url: str, name: str) -> None:
    assert with_tls(url, {name: "192.0.2.7"}) == f"{url}?sslmode=verify-full"
    assert with_tls(url, {name: "127.0.0.1"}) == url


def test_mode_in_the_url_or_the_environment_stays_the_choice_of_the_operator() -> None:
    url = "postgresql://db.example.com/vmkops"

    assert with_tls(f"{url}?sslmode=disable", {}) == f"{url}?sslmode=disable"
    assert with_tls(url, {"PGSSLMODE": "require"}) == url


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("disable", "without encryption"),
        ("prefer", "without encryption"),
        ("require", "does not check whose certificate"),
        ("verify-ca", "the certificate of another host"),
        ("verify-full", ""),
        ("", ""),
    ],
)
def test_weaker_mode_is_named_with_what_it_leaves_open(mode: str, words: str) -> None:
    url = "postgresql://db.example.com/vmkops"

    assert words in weakness(f"{url}?sslmode={mode}" if mode else url, {})
    assert words in weakness(url, {"PGSSLMODE": mode})
    assert bool(weakness(url, {"PGSSLMODE": mode})) == bool(words)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server without TLS."""
    require("postgres")
    with Postgres() as running:
        yield running


def url_of(postgres: Postgres, **query: str) -> str:
    """The server by a name that is not this machine's, at its address."""
    words = "&".join(f"{key}={value}" for key, value in {"hostaddr": "127.0.0.1", **query}.items())
    return f"{postgres.url.replace('127.0.0.1', NAME)}?{words}"


def check(tmp_path: Path, url: str) -> None:
    check_database(read_settings({"VMKOPS_DATA_DIR": str(tmp_path), "VMKOPS_DATABASE_URL": url}))


def test_server_without_tls_is_refused_with_what_to_do(postgres: Postgres, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"does not support SSL.*\?sslrootcert=.*\?sslmode="):
        check(tmp_path, url_of(postgres, sslrootcert="system"))

    check(tmp_path, url_of(postgres, sslmode="disable"))


def test_certificate_decides_whether_the_server_is_trusted(tmp_path: Path) -> None:
    require("postgres")
    ca, other = trustme.CA(), trustme.CA()
    trusted, unrelated = tmp_path / "ca.pem", tmp_path / "other.pem"
    ca.cert_pem.write_to_path(str(trusted))
    other.cert_pem.write_to_path(str(unrelated))
    certificate = ca.issue_cert(NAME)
    with Postgres() as postgres:
        postgres.use_certificate(certificate.cert_chain_pems[0].bytes(), certificate.private_key_pem.bytes())

        check(tmp_path, url_of(postgres, sslrootcert=str(trusted)))
        settings = read_settings({"VMKOPS_DATABASE_URL": url_of(postgres, sslrootcert=str(trusted))})
        engine = sa.create_engine(engine_url(settings, "jobs"))
        with engine.connect() as connection:
            encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            assert connection.scalar(sa.text(encrypted)) is True
        engine.dispose()

        with pytest.raises(DatabaseUnavailable, match=r"certificate verify failed.*\?sslrootcert="):
            check(tmp_path, url_of(postgres, sslrootcert=str(unrelated)))
        with pytest.raises(DatabaseUnavailable, match=r"does not match host name.*\?sslrootcert="):
            check(tmp_path, url_of(postgres, sslrootcert=str(trusted)).replace(NAME, "other.example.com"))
        with pytest.raises(DatabaseUnavailable, match=r"root certificate file .* does not exist.*\?sslrootcert="):
            check(tmp_path, url_of(postgres, sslrootcert=str(tmp_path / "none.pem")))
