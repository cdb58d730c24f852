#!/bin/sh
# Puts Undertone's plugins where hosts of this user look, or takes them away again. Linux and macOS.
#
#     ./install.sh              copies Undertone.clap and Undertone.vst3 from this folder
#     ./install.sh --dry-run    says what it would do
#     ./install.sh --uninstall  removes both; projects that use them stay as they are
#
# It writes to your own home only, needs no administrator, downloads nothing and starts nothing.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
action=install
dry=
for word in "$@"; do
    case $word in
        --uninstall) action=uninstall ;;
        --dry-run) dry=yes ;;
        -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "install.sh does not know '$word'; it knows --uninstall, --dry-run and --help" >&2; exit 2 ;;
    esac
done

: "${HOME:?is not set, so there is no place to install to}"
case $(uname -s) in
    Darwin)
        clap=$HOME/Library/Audio/Plug-Ins/CLAP
        vst3=$HOME/Library/Audio/Plug-Ins/VST3
        ;;
    Linux)
        clap=$HOME/.clap
        vst3=$HOME/.vst3
        ;;
    *) echo "this script is for Linux and macOS; on Windows use install.ps1" >&2; exit 2 ;;
esac

run() {
    if [ -n "$dry" ]; then echo "would: $*"; else "$@"; fi
}

say() {
    if [ -z "$dry" ]; then echo "$1"; fi
}

# The new one is laid beside the old one first, so that a copy that fails leaves the old one working.
place() {
    from=$here/$2 to=$1/$2 new=$1/.$2.new
    if [ ! -e "$from" ]; then
        echo "$from is not there; run this script from the folder that 'cargo xtask bundle' made" >&2
        exit 1
    fi
    run mkdir -p "$1"
    run rm -rf "$new"
    run cp -R "$from" "$new"
    run rm -rf "$to"
    run mv "$new" "$to"
    say "installed $to"
}

remove() {
    if [ -e "$1" ]; then
        run rm -rf "$1"
        say "removed $1"
    else
        echo "$1 is not there"
    fi
}

if [ "$action" = install ]; then
    place "$clap" Undertone.clap
    place "$vst3" Undertone.vst3
    say "A host that is running finds them after a rescan."
else
    remove "$clap/Undertone.clap"
    remove "$vst3/Undertone.vst3"
fi
