"""The Python client of linfa-serve, and the export of scikit-learn models to it.

`Client` and `AsyncClient` ask a server; `export` writes a fitted scikit-learn model as a version that it can serve.
"""

from .aio import AsyncClient
from .answers import (
    Answer,
    Classification,
    Clustering,
    ModelRef,
    Regression,
    Transformation,
    concatenate,
)
from .channel import ApiKey
from .client import Client
from .errors import (
    AnswerError,
    ConfigError,
    DeadlineError,
    Details,
    ExportError,
    ForbiddenError,
    InputError,
    InternalError,
    InvalidInputError,
    LinfaServeError,
    NotFoundError,
    NotServedError,
    OutOfRangeError,
    OverloadedError,
    Precondition,
    Resource,
    ServerError,
    UnauthenticatedError,
    UnavailableError,
    Violation,
)
from .exporting import export
from .models import (
    Catalog,
    Change,
    Check,
    Feature,
    Model,
    Models,
    Refusal,
    Signature,
    State,
    Version,
)
from .retry import Retry

__all__ = [
    "Answer",
    "AnswerError",
    "ApiKey",
    "AsyncClient",
    "Catalog",
    "Change",
    "Check",
    "Classification",
    "Client",
    "Clustering",
    "ConfigError",
    "DeadlineError",
    "Details",
    "ExportError",
    "Feature",
    "ForbiddenError",
    "InputError",
    "InternalError",
    "InvalidInputError",
    "LinfaServeError",
    "Model",
    "ModelRef",
    "Models",
    "NotFoundError",
    "NotServedError",
    "OutOfRangeError",
    "OverloadedError",
    "Precondition",
    "Refusal",
    "Regression",
    "Resource",
    "Retry",
    "ServerError",
    "Signature",
    "State",
    "Transformation",
    "UnauthenticatedError",
    "UnavailableError",
    "Version",
    "Violation",
    "concatenate",
    "export",
]
