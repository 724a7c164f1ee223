//! Values of given sizes, each with whether the request meets it.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use ron_auth_core::wire;

use super::draw::{Draw, OTHERS};
use super::world::MintWorld;
use crate::corpus::shape::{Method, Width};

/// The beginning of the request's own path, if it is to hold and the path may end there; else another prefix.
pub(super) fn prefix(bytes: usize, holds: bool, world: &MintWorld, draw: &mut Draw) -> (String, bool) {
    let own = world.ctx.path().get(..bytes).filter(|prefix| holds && world.covers(prefix));
    if let Some(prefix) = own {
        return (prefix.to_owned(), true);
    }
    let mut prefix = draw.text(bytes, OTHERS);
    if bytes > 1 {
        prefix.replace_range(..1, "/");
    }
    let holds = world.covers(&prefix);
    (prefix, holds)
}

/// Methods, with `own` among them if they are to hold and one of them may be it.
pub(super) fn methods(methods: &[Method], own: &str, holds: bool, draw: &mut Draw) -> (Vec<Cow<'static, str>>, bool) {
    let standard = |name: &str| Method::STANDARD.into_iter().find(|standard| *standard == name);
    let mut names: Vec<Cow<'static, str>> = methods
        .iter()
        .map(|method| match method {
            Method::Standard(name) => standard(name).map_or_else(|| name.clone().into(), Cow::Borrowed),
            Method::Bytes(bytes) => draw.text(*bytes, OTHERS).to_ascii_uppercase().into(),
        })
        .collect();
    let has_own = |names: &[Cow<'_, str>]| names.iter().any(|name| name.eq_ignore_ascii_case(own));
    if holds && !has_own(&names) && !Method::is_standard(own) {
        let free = methods.iter().position(|method| *method == Method::Bytes(own.len()));
        if let Some(slot) = free.and_then(|place| names.get_mut(place)) {
            *slot = own.to_owned().into();
        }
    }
    let holds = has_own(&names);
    (names, holds)
}

/// The request's own text, if it is to hold and has this length; else another.
pub(super) fn text(bytes: usize, own: Option<&str>, holds: bool, draw: &mut Draw) -> (String, bool) {
    let text = match own {
        Some(own) if holds && own.len() == bytes => own.to_owned(),
        _ => draw.text(bytes, OTHERS),
    };
    let holds = own == Some(&*text);
    (text, holds)
}

/// A number of this width, among those that hold or among the others, if there is one.
pub(super) fn number(width: Width, holding: &RangeInclusive<u64>, holds: bool, draw: &mut Draw) -> (u64, bool) {
    let wanted = if holds { holding.clone() } else { outside(holding) };
    let all = width.values();
    let both = *all.start().max(wanted.start())..=*all.end().min(wanted.end());
    let number = draw.within(if both.is_empty() { &all } else { &both });
    (number, holding.contains(&number))
}

/// The numbers outside a range that lies at one end of all numbers.
fn outside(range: &RangeInclusive<u64>) -> RangeInclusive<u64> {
    match (*range.start(), *range.end()) {
        _ if range.is_empty() => 0..=u64::MAX,
        (0, u64::MAX) => RangeInclusive::new(1, 0),
        (0, end) => end + 1..=u64::MAX,
        (start, _) => 0..=start - 1,
    }
}

/// The value of a custom caveat: one item of CBOR. Its last byte is odd if it is to be refused.
pub(super) fn value(bytes: usize, holds: bool, draw: &mut Draw) -> Vec<u8> {
    const NULL: u8 = 0xf6;
    const TRUE: u8 = 0xf5;
    if bytes <= 1 {
        return vec![if holds { NULL } else { TRUE }];
    }
    let head_bytes = |text_bytes: usize| usize::from(u8::from(Width::of(text_bytes as u64)));
    let fitting = [1, 2, 3, 5, 9].into_iter().find_map(|head| {
        let text_bytes = bytes.checked_sub(head)?;
        (head_bytes(text_bytes) == head).then_some(text_bytes)
    });
    let mut cbor = Vec::with_capacity(bytes);
    match fitting {
        Some(text_bytes) => {
            let last = if holds { "r" } else { "q" };
            wire::encode_text(&(draw.text(text_bytes.saturating_sub(1), OTHERS) + last), &mut cbor);
        }
        // No text takes this many bytes with its head; a list of one item does.
        None => {
            wire::encode_array_head(1, &mut cbor);
            cbor.extend(value(bytes - 1, holds, draw));
        }
    }
    cbor
}
