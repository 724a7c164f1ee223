//! Every composition of the seams' backends: plain or the recommended one in each of five seams, a full 2⁵ factorial
//! design.
//!
//! The named variants differ from `plain` in one seam each, so they cannot show what two seams do together. All
//! compositions can. (ciborium is left out: it is slower than either other decoder, as the catalogue's variant of that
//! name shows in every sweep.)

use std::sync::LazyLock;

use crate::chosen;
use crate::seams::{Base64Choice, DecodeChoice, ExecuteChoice, MacChoice, ScratchChoice, Seams};
use crate::variant::{Kind, Variant};

/// All 32, everything plain first, everything recommended last. A composition is named by its backends other than
/// plain's, each behind a `+`: `+simd-b64+lanes`, and `+` alone for none. Those that the catalogue holds are here under
/// such a name as well, because the backends of these are picked at run time: compositions are compared with each
/// other.
#[must_use]
pub fn compositions() -> &'static [Variant] {
    static ALL: LazyLock<Vec<Variant>> = LazyLock::new(|| {
        let mut all = Vec::with_capacity(32);
        for base64 in [Base64Choice::Scalar, Base64Choice::Simd] {
            for decode in [DecodeChoice::SerdeCbor, DecodeChoice::ZeroCopy] {
                for mac in [MacChoice::Serial, MacChoice::Lanes] {
                    for execute in [ExecuteChoice::Sequential, ExecuteChoice::Parallel] {
                        for scratch in [ScratchChoice::PerCall, ScratchChoice::ThreadLocal] {
                            all.push(composition(Seams { base64, decode, mac, execute, scratch }));
                        }
                    }
                }
            }
        }
        all
    });
    &ALL
}

// Leaked once, with the list: a variant's name and features live as long as the program.
fn composition(seams: Seams) -> Variant {
    let name = format!("+{}", seams.beyond_plain().join("+"));
    Variant {
        name: name.leak(),
        seams,
        features: seams.features().leak(),
        kind: Kind::Composition,
        build: chosen::build,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{catalogue, find};

    #[test]
    fn there_are_32_of_different_seams_and_names() {
        let all = compositions();
        assert_eq!(all.len(), 32);
        assert_eq!(all.iter().map(|variant| variant.seams.backends()).collect::<HashSet<_>>().len(), 32);
        assert_eq!(all.iter().map(|variant| variant.name).collect::<HashSet<_>>().len(), 32);
        assert!(all.iter().all(Variant::is_composition) && !catalogue().iter().any(Variant::is_composition));
        assert_eq!((all[0].name, all[31].name), ("+", "+simd-b64+minicbor-zerocopy+lanes+parallel+tls-scratch"));
    }

    #[test]
    fn a_named_variant_has_a_composition_of_the_same_seams_and_features() {
        let composed = |named: &&Variant| !matches!(named.name, "prod-avx2" | "ciborium");
        for named in catalogue().iter().filter(composed) {
            let found = compositions().iter().find(|variant| variant.seams == named.seams).unwrap();
            assert_eq!(found.features, named.features);
            assert_eq!(found.seams.name(), named.name);
        }
    }

    #[test]
    fn a_composition_is_found_by_its_backends_in_any_order() {
        let found = find("lanes+simd-b64+minicbor-zerocopy").unwrap();
        assert_eq!(found.name, "+simd-b64+minicbor-zerocopy+lanes");
        assert_eq!(found.features, ["minicbor-zerocopy", "simd-b64", "lanes"]);
        for variant in compositions() {
            assert_eq!(find(variant.name).unwrap().seams, variant.seams);
        }
        for wrong in ["lanes+lanes", "+plain", "+ciborium", "plain+lanes", "lanes+", "++", ""] {
            assert!(find(wrong).is_err(), "{wrong}");
        }
    }
}
