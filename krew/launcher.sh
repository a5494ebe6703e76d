#!/bin/sh
# kubectl mlrollout, as krew installs it. Finds a Python that the parts beside this file were made for.
file=$0
while [ -L "$file" ]; do
    link=$(readlink "$file")
    case $link in /*) file=$link ;; *) file=$(dirname "$file")/$link ;; esac
done
lib=$(cd "$(dirname "$file")" && pwd)/lib
for python in ${MLROLLOUT_PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    version=$("$python" -I -S -c 'import sys; print("cp%d%d" % sys.version_info[:2])' 2>/dev/null) || continue
    # Isolated: what other programs keep for their own Python is nothing to this one, nor the other way round.
    [ -d "$lib/$version" ] && exec "$python" -I "$lib/main.py" "$@"
done
echo "kubectl mlrollout: it needs Python 3.11 to 3.14, and finds none on PATH: install one, or let MLROLLOUT_PYTHON name it" >&2
exit 2
