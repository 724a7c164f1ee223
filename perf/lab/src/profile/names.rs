//! Names of functions as people would write them.

/// A frame's name without generic arguments, traits and closures: `<a::B<T> as c::D>::f::{{closure}}` is `a::B::f`.
/// What `drop_in_place` drops is kept: `core::ptr::drop_in_place<a::B>`.
#[must_use]
pub(super) fn plain(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name.trim_start_matches(['&', '*']);
    while let Some(open) = rest.find('<') {
        let (before, behind) = rest.split_at(open);
        out.push_str(before);
        let (inner, after) = bracketed(behind);
        if out.is_empty() || inner.starts_with("impl ") {
            // A type with its own path, which says enough.
            out = plain(own_type(inner));
        } else {
            out.truncate(out.trim_end_matches("::").len());
            if out.ends_with("drop_in_place") {
                out = format!("{out}<{}>", plain(inner));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    let closure = out.find("::{").unwrap_or(out.len());
    out.truncate(closure);
    out
}

/// The last two parts of a plain name's path: enough to recognise a function by.
#[must_use]
pub(super) fn label(plain: &str) -> String {
    let (path, dropped) = plain.split_once('<').map_or((plain, None), |(path, inner)| (path, Some(inner)));
    if let Some(dropped) = dropped {
        return format!("drop {}", last_parts(dropped.trim_end_matches('>'), 1));
    }
    last_parts(path, 2)
}

/// Whether a frame of the standard library only stands between two functions of interest: an iterator, an operator.
#[must_use]
pub(super) fn is_plumbing(name: &str) -> bool {
    let name = name.trim_start_matches(['<', '&']);
    let of_core = name.starts_with("core::") || name.contains(" as core::");
    of_core && !name.contains("drop_in_place") && !name.contains(" as core::ops::drop::Drop>")
}

fn last_parts(path: &str, count: usize) -> String {
    let parts: Vec<&str> = path.split("::").collect();
    parts.get(parts.len().saturating_sub(count)..).unwrap_or_default().join("::")
}

/// The text between the angle bracket that `text` begins with and its partner, and what follows.
fn bracketed(text: &str) -> (&str, &str) {
    let (mut depth, mut last) = (0_usize, ' ');
    for (at, character) in text.char_indices() {
        match character {
            '<' => depth += 1,
            // The arrow of a function type is no bracket.
            '>' if last != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (text.get(1..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
        }
        last = character;
    }
    (text.get(1..).unwrap_or_default(), "")
}

/// The type `T` in `T as Trait`, `impl Trait for T`, `impl T` or `T`.
fn own_type(inner: &str) -> &str {
    let inner = match inner.strip_prefix("impl ") {
        Some(implementation) => outside_brackets(implementation, " for ").map_or(implementation, |(_, own)| own),
        None => outside_brackets(inner, " as ").map_or(inner, |(own, _)| own),
    };
    inner.trim_start_matches('&').trim_start_matches("mut ").trim_start_matches("dyn ")
}

/// Splits a text at the first separator that is not in angle brackets.
fn outside_brackets<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    text.match_indices(separator).find_map(|(at, _)| {
        let (before, after) = (text.get(..at)?, text.get(at + separator.len()..)?);
        let balanced = before.matches('<').count() == before.matches('>').count() - before.matches("->").count();
        balanced.then_some((before, after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_has_no_generics_traits_or_closures() {
        for (name, expected) in [
            ("_rjem_malloc", "_rjem_malloc"),
            ("blake3::ChunkState::update", "blake3::ChunkState::update"),
            (
                "<ron_auth_core::engine::Engine<B,D,M,X,S> as ron_auth_core::engine::boxed::Verifier>::verify_token",
                "ron_auth_core::engine::Engine::verify_token",
            ),
            (
                "ron_auth_core::engine::stages::<impl ron_auth_core::engine::Engine<B,D,M,X,S>>::chunk::{{closure}}",
                "ron_auth_core::engine::Engine::chunk",
            ),
            ("<&mut serde_cbor::de::Deserializer<R> as a::Deserializer>::parse", "serde_cbor::de::Deserializer::parse"),
            (
                "<alloc::raw_vec::RawVecInner<_>>::reserve::do_it::<alloc::Global>",
                "alloc::raw_vec::RawVecInner::reserve::do_it",
            ),
            (
                "<ron::owned::_::<impl serde::de::Deserialize for ron::Caveat<V>>::deserialize::__Seed<V> as serde::X>::f",
                "ron::Caveat::deserialize::__Seed::f",
            ),
            (
                "core::ptr::drop_in_place<core::result::Result<a::B,c::D>>",
                "core::ptr::drop_in_place<core::result::Result>",
            ),
            ("std::panicking::try<fn() -> i32, F>::call", "std::panicking::try::call"),
            ("broken<name", "broken"),
        ] {
            assert_eq!(plain(name), expected, "{name}");
        }
    }

    #[test]
    fn a_label_is_short() {
        assert_eq!(label("ron_auth_core::engine::Engine::chunk"), "Engine::chunk");
        assert_eq!(label("_rjem_malloc"), "_rjem_malloc");
        assert_eq!(label("core::ptr::drop_in_place<ron_auth_core::decision::Decision>"), "drop Decision");
    }

    #[test]
    fn iterators_are_plumbing_and_dropping_is_not() {
        assert!(is_plumbing("core::iter::traits::iterator::Iterator::find"));
        assert!(is_plumbing("<core::option::Option<T> as core::cmp::PartialEq>::eq"));
        assert!(is_plumbing("<usize as core::iter::range::Step>::forward_unchecked"));
        assert!(!is_plumbing("core::ptr::drop_in_place<a::B>"));
        assert!(!is_plumbing("<ron_auth_core::key::MacKey as core::ops::drop::Drop>::drop"));
        assert!(!is_plumbing("alloc::raw_vec::RawVec<T,A>::grow_one"));
    }
}
