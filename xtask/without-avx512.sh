#!/bin/sh
# A compiler's wrapper that builds the embedded runtime for a processor without AVX-512, whatever the one at hand has,
# so that both can be measured on one machine:
#
#   RUSTC_WRAPPER="$PWD/xtask/without-avx512.sh" cargo build --release --target-dir target/without-avx512
#   target/without-avx512/release/undertone bench --streams 10 --file samples/demo.wav
#
# The runtime chooses its code by asking the processor, and nothing outside it can answer in its place. Its one
# question (`is_avx512_supported` in rten-simd) is answered with no, in a copy that only this build sees.
set -eu
rustc=$1
shift
case " $* " in
*" --crate-name rten_simd "*)
	for argument in "$@"; do
		case $argument in
		*/src/lib.rs) source=${argument%/lib.rs} ;;
		esac
	done
	copy=$(mktemp -d)
	cp -R "$source" "$copy/src"
	sed -i.before 's/^pub fn is_avx512_supported() -> bool {$/&\n    if true { return false; }/' "$copy/src/isa_detection.rs"
	if cmp -s "$copy/src/isa_detection.rs" "$copy/src/isa_detection.rs.before"; then
		echo "without-avx512: this version of rten-simd asks the processor in another way" >&2
		exit 1
	fi
	count=$#
	while [ "$count" -gt 0 ]; do
		argument=$1
		shift
		case $argument in
		*/src/lib.rs) argument=$copy/src/lib.rs ;;
		esac
		set -- "$@" "$argument"
		count=$((count - 1))
	done
	;;
esac
exec "$rustc" "$@"
