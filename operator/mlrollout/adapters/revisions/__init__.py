"""What names a revision: MLflow's registry, a JSON document, a ConfigMap. None of them is believed."""

from .allowed_sources import AllowedRevisionSources

__all__ = ["AllowedRevisionSources"]
