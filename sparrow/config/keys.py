"""What the models of the configuration are made of: their base, and types of keys.

Law: a model never changes and has no unknown key; a type here is one way to
write a value, whichever model uses it. Start from `Model`.
"""

# Annotations are evaluated by pydantic, so this module does without deferred ones.

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator

from sparrow.config import amounts, fields, shape, targets
from sparrow.config.fields import Endpoint
from sparrow.config.shape import checked
from sparrow.values.name import Name

DAY_S = 86400

Label = Annotated[str, checked(fields.parse_label)]
ViewOf = Annotated[str | None, checked(fields.or_null(fields.parse_label))]
Vip = Annotated[bytes, checked(fields.parse_vip)]
Host = Annotated[Name, checked(fields.parse_host)]
ListenOn = Annotated[Endpoint, checked(fields.parse_endpoint)]
Flag = Annotated[bool, checked(fields.parse_flag)]
Port = Annotated[int, checked(fields.whole(1, fields.MAX_PORT))]
Path = Annotated[str, PlainValidator(shape.parse_path)]
PathOrNull = Annotated[str | None, PlainValidator(shape.parse_path_or_null)]
Command = Annotated[tuple[str, ...], PlainValidator(shape.parse_command)]
Ttl = Annotated[int, checked(fields.whole(0, DAY_S))]
TtlOrNull = Annotated[int | None, checked(fields.or_null(fields.whole(0, DAY_S)))]
Interval = Annotated[float, checked(amounts.duration(0.1, 3600))]
Timeout = Annotated[float, checked(amounts.duration(0.01, 3600))]
Threshold = Annotated[int, checked(fields.whole(1, 255))]
ShareOrNull = Annotated[float | None, checked(fields.or_null(amounts.parse_share))]
Title = Annotated[str, checked(targets.parse_title)]
PatternOrNull = Annotated[str | None, checked(fields.or_null(targets.parse_pattern))]

one_or_more = BeforeValidator(shape.wrap)
"""A list of which a single item may be written without brackets."""


class Model(BaseModel):
    """What all models of the configuration have in common: no change, no surprise."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    def _fill(self, name: str, value: Any) -> None:
        # The only write to a frozen model: a default that depends on other keys,
        # put in before anybody has seen the model.
        if name not in self.model_fields_set:
            object.__setattr__(self, name, value)
