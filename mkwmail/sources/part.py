"""Part: what every value read from a YAML file is."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A frozen group of fields; a key that is none of them is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")
