"""Completion in shells: the scripts that they load, and the questions that these ask this program.

A question is the line as far as it is typed, and an answer a line for each word that may come next, with what it means
behind a tab: as fish wants it, and simple enough for the others.
"""

import io
import os
import shlex
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout, suppress

QUESTION = "_MLROLLOUT_COMPLETE"
"""The environment variable that makes a question of a call: `complete_fish`, or `kubectl`."""
_KUBECTL = "kubectl"
_LONGEST = 2.5
"""Seconds after which nobody waits for an answer any more, whatever a network or a login does."""
_ASK = (
    f"env {QUESTION}=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args "
    '_TYPER_COMPLETE_ARGS="%s" mlrollout 2>/dev/null </dev/null'
)
_BASH = f"""\
# completion of mlrollout for bash: source <(mlrollout completion bash)
_mlrollout() {{
    local word line typed=${{COMP_LINE:0:COMP_POINT}}
    # bash divides a word at = and :, this program does not
    word=${{typed##*[[:space:]]}}
    word=${{word%"${{word##*[=:]}}"}}
    COMPREPLY=()
    while IFS=$'\\t' read -r line _; do
        [[ -n $line ]] && COMPREPLY+=("${{line#"$word"}}")
    done < <({_ASK % "$typed"})
    [[ ${{#COMPREPLY[@]}} -eq 1 && ${{COMPREPLY[0]}} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}}
complete -o default -F _mlrollout mlrollout
"""
_ZSH = f"""\
#compdef mlrollout
# completion of mlrollout for zsh: in a folder of fpath as _mlrollout, or source <(mlrollout completion zsh)
_mlrollout() {{
    local line value
    local -a found
    for line in ${{(f)"$({_ASK % "${words[1,CURRENT]}"})"}}; do
        value=${{${{line%%$'\\t'*}}//:/\\\\:}}
        [[ $line == *$'\\t'* ]] && value+=":${{line#*$'\\t'}}"
        found+=("$value")
    done
    if (( $#found )); then _describe mlrollout found; else _files; fi
}}
if [[ $funcstack[1] == _mlrollout ]]; then _mlrollout "$@"; else compdef _mlrollout mlrollout; fi
"""
_FISH = f"""\
# completion of mlrollout for fish: mlrollout completion fish > ~/.config/fish/completions/mlrollout.fish
function __mlrollout_complete
    set -l typed (commandline -cp)
    set -l found ({_ASK % "$typed"} | string match -r '.+')
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c mlrollout -f -a '(__mlrollout_complete)'
"""
_PLUGIN = f"""\
#!/bin/sh
# completion of kubectl mlrollout, by kubectl's own: on PATH as kubectl_complete-mlrollout
{QUESTION}={_KUBECTL} exec kubectl-mlrollout "$@" 2>/dev/null </dev/null
"""
SCRIPTS: Mapping[str, str] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, _KUBECTL: _PLUGIN}
"""The script of each shell. That of kubectl needs none where this program was installed by pip, which brings it."""


def answer(app: Callable[[], object]) -> None:
    """Answer the question that this call is.

    Args:
        app: Answers as the environment says, and ends by `SystemExit`.
    """
    # Else typer answers only programs that it has given an option to install its own scripts.
    from typer.completion import completion_init  # type: ignore[attr-defined]

    late = threading.Timer(_LONGEST, os._exit, (1,))  # a name that is not resolved can't be interrupted
    late.daemon = True
    late.start()
    try:
        completion_init()
        _answer(app)
    finally:
        late.cancel()


def _answer(app: Callable[[], object]) -> None:
    if os.environ[QUESTION] != _KUBECTL:
        app()
        return
    # A login that hangs has it open, and kubectl would wait for its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    os.environ |= {
        QUESTION: "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": shlex.join(["mlrollout", *sys.argv[1:]]),
    }
    with redirect_stdout(io.StringIO()) as told, suppress(SystemExit):
        app()
    offered = told.getvalue().strip("\n")
    # What kubectl is told last: no files beside these words, or else files.
    sys.stdout.write(f"{offered}\n:4\n" if offered else ":0\n")
