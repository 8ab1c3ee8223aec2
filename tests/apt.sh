# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# An apt beside the system's: lists, status and archives are in a folder of its own, signatures are checked by Debian's keyring. The
# system's packages, architectures and sources stay as they are, and who uses it need not be root. For scripts, by "."
#
#   apt_begin FOLDER ARCH deb|deb-src     make FOLDER (its path from the root), and fetch the lists of Debian 12
#   apt_run ARGUMENT-OF-APT-GET...
#
# Environment: DEBIAN_MIRROR  where from (as the system's sources have it)
apt_run() {
    apt-get -q -o APT::Architecture="$apt_arch" -o APT::Architectures::="$apt_arch" -o APT::Sandbox::User=root \
        -o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt" -o Dir::Etc::SourceList="$apt/sources.list" \
        -o Dir::Etc::SourceParts="$apt/none" -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts="$apt/none" \
        -o APT::Install-Recommends=0 -o APT::Update::Error-Mode=any -o Acquire::Languages=none -o Acquire::Retries=5 "$@"
}

# shellcheck disable=SC2016 # apt expands its own variables
apt_begin() {
    apt=$1 apt_arch=$2
    rm -rf "$apt"
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/none"
    : >"$apt/status"
    mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Release: bookworm' 'Component: main' |
        grep -m 1 '/debian/$' || echo http://deb.debian.org/debian/)}
    echo "$3 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main" >"$apt/sources.list"
    apt_run update
}
