"""What the engine says of data, told without it: of the engine's own words, not of made-up ones."""

import duckdb
import pytest

from infra.querying import discreet

SECRETS = ("ada@secret.example", "O'Brien \"the ' secret\" to INT32", "a\nsecret\nline")
TABLE = "CREATE TABLE t AS SELECT ?::VARCHAR AS e, 4111111111111111::BIGINT AS c"
# What to do with the value, and what is told of it.
CASES = {
    "SELECT e::INTEGER FROM t": "Could not convert string '…' to INT32",
    "SELECT e::DATE FROM t": "invalid date field format: '…'",
    "SELECT e::TIMESTAMP FROM t": "invalid timestamp field format: '…'",
    "SELECT e::TIME FROM t": "time field value out of range: '…'",
    "SELECT e::DECIMAL(3, 1) FROM t": "Could not convert string '…' to DECIMAL(3,1)",
    "SELECT e::STRUCT(a INTEGER) FROM t": "Type VARCHAR with value … can't be cast to",
    "SELECT e::INTEGER[] FROM t": "Type VARCHAR with value … can't be cast to",
    "SELECT c::INTEGER FROM t": "Type INT64 with value … can't be cast because",
    "SELECT c::DECIMAL(4, 1) FROM t": "Could not cast value … to DECIMAL(4,1)",
    "SELECT c * c FROM t": "Overflow in multiplication of INT64",
    "SELECT json_extract(e, '$.a') FROM t": "Malformed JSON at byte … of input",
    "SELECT e::JSON FROM t": "Malformed JSON at byte … of input",
    "SELECT strptime(e, '%Y') FROM t": "Could not parse a string by its format",
    "SELECT error('is ' || e) FROM t": discreet.UNTOLD,
    "SELECT regexp_matches('a', e || '(') FROM t": discreet.UNTOLD,
    "SELECT date_part(e, TIMESTAMP '2026-01-01') FROM t": discreet.UNTOLD,
    "INSERT INTO k SELECT e FROM t UNION ALL SELECT e FROM t": "uplicate key '…'",
}


@pytest.mark.parametrize("sql", CASES)
@pytest.mark.parametrize("secret", SECRETS)
def test_no_value_is_in_what_is_told(sql, secret):
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(TABLE, [secret])
        connection.execute("CREATE TABLE k (e VARCHAR PRIMARY KEY)")
        with pytest.raises(duckdb.Error) as wrong:
            connection.execute(sql).fetchall()

    said = str(wrong.value).partition("\n\nLINE ")[0]
    told = discreet.told(said)
    assert "secret" not in told
    assert "4111" not in told
    assert CASES[sql] in told


@pytest.mark.parametrize(
    "said",
    [
        'Binder Error: Referenced column "nothing" not found in FROM clause!',
        "Catalog Error: Table with name x does not exist!",
        "Conversion Error: Could not convert string '…' to INT32 when casting from source column e",
    ],
)
def test_what_is_about_code_is_told_as_it_is(said):
    assert said == discreet.told(said)
