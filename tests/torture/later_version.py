"""The program as a later version may be: its ledger has had two more migrations."""

from mkwmail.__main__ import main
from mkwmail.ledger.schema import MIGRATIONS, Migration, migrate

_TABLE, *_RULES = (statement for statement in MIGRATIONS[0][1] if " deliveries" in statement)

#: Deliveries in the order of the persons, and a column more.
LATER: tuple[Migration, ...] = (
    *MIGRATIONS,
    (
        "deliveries by person",
        (
            "CREATE TABLE kept AS SELECT * FROM deliveries",
            "DROP TABLE deliveries",
            f"{_TABLE}, WITHOUT ROWID",
            "INSERT INTO deliveries SELECT * FROM kept",
            "DROP TABLE kept",
            *_RULES,
        ),
    ),
    ("a column more", ("ALTER TABLE persons ADD COLUMN extra TEXT",)),
)

if __name__ == "__main__":
    migrate.__defaults__ = (LATER,)
    main()
