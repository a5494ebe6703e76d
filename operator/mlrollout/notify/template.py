"""The administrator's words, in Jinja2: in a sandbox, and where what does not end by itself is ended.

That is the process of `adapters/receivers/helper_process.py`: here, a template that loops would hold up a rollback.
"""

from collections.abc import Mapping

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_RENDERED = 16 * 1024
"""Characters that a template may become."""


class UnusableTemplateError(ValueError):
    """A template can't be used; the text says why."""


def render(template: str, variables: Mapping[str, object]) -> str:
    """What a template becomes.

    Raises:
        UnusableTemplateError: It can't be read, fails, or becomes too long.
    """
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=False
    )
    rendered = ""
    try:
        for part in environment.from_string(template).generate(variables):
            rendered += part
            if len(rendered) > MAX_RENDERED:
                break
    except jinja2.TemplateSyntaxError as error:
        raise UnusableTemplateError(f"line {error.lineno}: {error.message}") from None
    except jinja2.UndefinedError as error:
        raise UnusableTemplateError(str(error.message)) from None
    except Exception as error:  # noqa: BLE001 - whatever an administrator writes must not end more than itself
        raise UnusableTemplateError(f"it fails: {type(error).__name__}") from None
    if len(rendered) > MAX_RENDERED:
        raise UnusableTemplateError(f"it becomes longer than {MAX_RENDERED} characters")
    return rendered
