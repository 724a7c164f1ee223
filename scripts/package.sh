#!/usr/bin/env bash
# The crates that can be published, packed as they would be.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/package.sh [--test]

Packs the crates that can be published into target/package: in seconds, without building anything. With --test each is
unpacked below target/packaged, where it depends on the others as they were packed, and the tests, examples and
documentation in its package are built and run; git cannot see this repository from there. What a package leaves out,
and why, is in its Cargo.toml (`exclude`).

What a release asks beyond that, because the registry is asked too:
  cargo publish --dry-run -p ron-auth-core -p ron-auth-variants -p ron-auth -p fairbench-probe -p fairbench

exit codes
  0 good   64 usage   any other: that of the cargo command that failed
TEXT
}

for arg in "$@"; do
    case $arg in -h | --help) usage && exit 0 ;; esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

test=
for arg in "$@"; do
    case $arg in
    --test) test=yes ;;
    *) usage_error "unknown argument $arg" ;;
    esac
done

# Each after those that it depends on.
crates=(ron-auth-core ron-auth-variants ron-auth fairbench-probe fairbench)
packages=()
for crate in "${crates[@]}"; do packages+=(-p "$crate"); done

progress "packing ${crates[*]}"
# As they lie here, committed or not.
cargo package --no-verify --allow-dirty "${packages[@]}"
[ -n "$test" ] || exit 0

version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
packaged=$target_dir/packaged
rm -rf "$packaged"
mkdir -p "$packaged"
for crate in "${crates[@]}"; do
    tar -xzf "$target_dir/package/$crate-$version.crate" -C "$packaged"
done
# A workspace of what was packed. The same lock file and the same profiles as here: what others' crates came to is not
# built again.
{
    printf '[workspace]\nresolver = "3"\nmembers = ["*-%s"]\n\n[patch.crates-io]\n' "$version"
    for crate in "${crates[@]}"; do printf '%s = { path = "%s-%s" }\n' "$crate" "$crate" "$version"; done
    printf '\n'
    sed -n '/^\[profile\.dev\]/,/^\[profile\.release\]/p' Cargo.toml | sed '$d'
} >"$packaged/Cargo.toml"
cp Cargo.lock "$packaged/Cargo.lock"

cd "$packaged"
export GIT_CEILING_DIRECTORIES=$target_dir
progress 'building and running the tests of what was packed'
cargo test --workspace --all-features --no-run
cargo test --workspace --all-features --quiet
