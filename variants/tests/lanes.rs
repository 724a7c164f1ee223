//! Lanes against the `blake3` crate and against the serial chain.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ron_auth_core::MacKey;
use ron_auth_core::chain::{self, Tag};
use ron_auth_core::seam::Mac;
use ron_auth_core::view::{CaveatView, Item, ScopeView, Text, TokenView};
use ron_auth_core::wire::MAC_HEAD_PREFIX;
use ron_auth_variants::mac::lanes::{LanesMac, Message, MessagesInLanes, SimdLevel};

/// Every level that this processor has: lanes are used from the first token on, so that batches of one fill no vector.
fn engines() -> Vec<LanesMac> {
    use SimdLevel::{Avx2, Avx512, Neon, Serial, Sse2, Sse42};
    let mut engines: Vec<LanesMac> =
        [Avx512, Avx2, Neon, Sse42, Sse2, Serial].map(|level| LanesMac::with_max(level).with_min_batch(1)).into();
    engines.dedup_by_key(|mac| mac.level());
    engines.push(LanesMac::default());
    engines
}

/// The lengths of BLAKE3's official test vectors, from one byte up to one chunk.
const LENGTHS: [usize; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 63, 64, 65, 127, 128, 129, 1023, 1024];

/// What `blake3` gives for the only step of a token without caveats.
fn hash(Parts { key, head, .. }: &Parts) -> Option<Tag> {
    Some(blake3::keyed_hash(key.as_bytes(), &[&[MAC_HEAD_PREFIX][..], &head.concat()].concat()).into())
}

/// A token of arbitrary bytes: all that a MAC engine looks at.
struct Parts {
    key: MacKey,
    head: [Vec<u8>; 3],
    caveats: Vec<Vec<u8>>,
}

impl<'a> TokenView<'a> for &'a Parts {
    fn tid(self) -> Text<'a> {
        Text::from("")
    }
    fn kid(self) -> Text<'a> {
        Text::from("")
    }
    fn scope(self) -> ScopeView<'a> {
        unreachable!("a MAC engine has no use for it")
    }
    fn mac(self) -> Option<&'a [u8; 32]> {
        None
    }
    fn caveat_count(self) -> usize {
        self.caveats.len()
    }
    fn caveat(self, _index: usize) -> Option<CaveatView<'a>> {
        None
    }
    fn head_items(self) -> [Item<'a>; 3] {
        self.head.each_ref().map(Item::from)
    }
    fn caveat_item(self, index: usize) -> Item<'a> {
        self.caveats.get(index).map(Item::from).unwrap_or_default()
    }
}

fn bytes(rng: &mut ChaCha8Rng, len: usize) -> Vec<u8> {
    (0..len).map(|_| rng.random()).collect()
}

/// A token of one step of this many bytes, the prefix of a head among them.
fn one_step(key: &[u8; 32], bytes: &[u8]) -> Parts {
    Parts { key: MacKey::new(*key), head: [Vec::new(), Vec::new(), bytes[1..].to_vec()], caveats: Vec::new() }
}

#[test]
fn steps_of_the_official_lengths_hash_alike_in_every_lane() {
    let input: Vec<u8> = (0..1024).map(|i| (i % 251) as u8).collect();
    let key = *b"whats the Elvish word for friend";
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let other_key: [u8; 32] = rng.random();
    for mac in engines() {
        let level = mac.level();
        for len in LENGTHS {
            for lane in 0..20 {
                for other in [1, 31, 64, 200, 1024] {
                    let token = |i: usize| {
                        if i == lane {
                            one_step(&key, &input[..len])
                        } else {
                            one_step(&other_key, &input[1024 - other..])
                        }
                    };
                    let tokens: Vec<Parts> = (0..20).map(token).collect();
                    let mut tags = [None; 20];
                    mac.tags(|i| tokens.get(i).map(|parts| (&parts.key, parts)), &mut tags);
                    for (i, (tag, token)) in tags.iter().zip(&tokens).enumerate() {
                        assert_eq!(*tag, hash(token), "{level:?}, {len} bytes in lane {lane}, at {i}");
                    }
                }
            }
        }
    }
}

#[test]
fn random_steps_under_random_keys_hash_alike() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..if cfg!(debug_assertions) { 10 } else { 100 } {
        let count = rng.random_range(1..300);
        let tokens: Vec<Parts> = (0..count)
            .map(|_| {
                let len = rng.random_range(1..1100);
                one_step(&rng.random(), &bytes(&mut rng, len))
            })
            .collect();
        for mac in engines() {
            let mut tags = vec![None; count];
            mac.tags(|i| tokens.get(i).map(|parts| (&parts.key, parts)), &mut tags);
            for (tag, token) in tags.iter().zip(&tokens) {
                assert_eq!(*tag, hash(token), "{:?}", mac.level());
            }
        }
    }
}

#[test]
fn messages_in_lane_form_hash_as_blake3_hashes_them() {
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    for round in 0..if cfg!(debug_assertions) { 10 } else { 100 } {
        let lengths: Vec<usize> = match round {
            0 => [0].into_iter().chain(LENGTHS).collect(),
            _ => (0..rng.random_range(1..300)).map(|_| rng.random_range(0..1100)).collect(),
        };
        let messages: Vec<([u8; 32], Vec<u8>)> =
            lengths.into_iter().map(|len| (rng.random(), bytes(&mut rng, len))).collect();
        let all: Vec<Message<'_>> = messages.iter().map(|(key, bytes)| Message { key, bytes }).collect();
        for mac in engines() {
            let level = mac.level();
            let mut tags = vec![None; messages.len()];
            MessagesInLanes::new(mac, &all).keyed_hash(&mut tags);
            for (tag, (key, bytes)) in tags.iter().zip(&messages) {
                let is_left_out = bytes.len() > 1024 || level == SimdLevel::Serial;
                let expected = (!is_left_out).then(|| blake3::keyed_hash(key, bytes).into());
                assert_eq!(*tag, expected, "{level:?}, {} bytes", bytes.len());
            }
        }
    }
}

#[test]
fn chains_of_every_shape_in_one_batch_end_in_the_serial_tags() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    // Too slow to run so often without optimisation.
    let rounds = if cfg!(debug_assertions) { 40 } else { 500 };
    for round in 0..rounds {
        let count = if round < 130 { round + 1 } else { rng.random_range(1..=if round % 10 == 0 { 600 } else { 130 }) };
        let longest = *[12, 33, 64, 100, 400, 1100].choose(&mut rng).unwrap();
        let most_caveats = *[0, 1, 6, 20, 60].choose(&mut rng).unwrap();
        let holes = *[0.0, 0.1, 0.9].choose(&mut rng).unwrap();
        let tokens: Vec<Option<Parts>> = (0..count)
            .map(|_| {
                let mut item = |longest: usize| {
                    let len = rng.random_range(1..=longest);
                    bytes(&mut rng, len)
                };
                let head = [item(20), item(20), item(longest)];
                let caveats = (0..rng.random_range(0..=most_caveats)).map(|_| {
                    let len = rng.random_range(1..=longest);
                    bytes(&mut rng, len)
                });
                let caveats = caveats.collect();
                (!rng.random_bool(holes)).then(|| Parts { key: MacKey::new(rng.random()), head, caveats })
            })
            .collect();
        for mac in engines() {
            let level = mac.level();
            let mut tags = vec![None; count];
            let job = |i: usize| tokens.get(i)?.as_ref().map(|parts| (&parts.key, parts));
            mac.tags(job, &mut tags);
            for (index, (tag, token)) in tags.iter().zip(&tokens).enumerate() {
                let expected = token.as_ref().map(|parts| chain::tag_of(&parts.key, parts));
                assert_eq!(*tag, expected, "{level:?}, token {index} of {count}");
            }
        }
    }
}

#[test]
fn one_long_chain_among_short_ones_ends_in_the_serial_tag_at_every_place() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for place in 0..40 {
        let tokens: Vec<Parts> = (0..40)
            .map(|index| Parts {
                key: MacKey::new(rng.random()),
                head: [bytes(&mut rng, 9), bytes(&mut rng, 5), bytes(&mut rng, 30)],
                caveats: (0..if index == place { 64 } else { 1 }).map(|_| bytes(&mut rng, 70)).collect(),
            })
            .collect();
        for mac in engines() {
            let mut tags = [None; 40];
            mac.tags(|i| tokens.get(i).map(|parts| (&parts.key, parts)), &mut tags);
            for (tag, parts) in tags.iter().zip(&tokens) {
                assert_eq!(*tag, Some(chain::tag_of(&parts.key, parts)), "{:?}, the long one at {place}", mac.level());
            }
        }
    }
}

#[test]
fn steps_of_a_chunk_and_of_more_are_hashed_at_every_place() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    // One chunk is 1,024 bytes: 1 + 23 + 1,000 of a head, 32 + 992 of a link.
    for (scope, item) in [(1000, 992), (1000, 993), (1001, 992), (1001, 2000), (4000, 1), (4000, 4000)] {
        for place in 0..20 {
            let tokens: Vec<Parts> = (0..20)
                .map(|index| Parts {
                    key: MacKey::new(rng.random()),
                    head: [
                        bytes(&mut rng, 20),
                        bytes(&mut rng, 3),
                        bytes(&mut rng, if index == place { scope } else { 40 }),
                    ],
                    caveats: [20, item, item, 40, item]
                        .into_iter()
                        .take(place % 6)
                        .map(|len| bytes(&mut rng, if index == place { len } else { 33 }))
                        .collect(),
                })
                .collect();
            for mac in engines() {
                let mut tags = [None; 20];
                mac.tags(|i| tokens.get(i).map(|parts| (&parts.key, parts)), &mut tags);
                for (index, (tag, parts)) in tags.iter().zip(&tokens).enumerate() {
                    let expected = Some(chain::tag_of(&parts.key, parts));
                    assert_eq!(*tag, expected, "{:?}, token {index}, {scope} and {item} at {place}", mac.level());
                }
            }
        }
    }
}

#[test]
fn messages_in_lanes_are_shown_without_their_keys() {
    // 117901063 is 0x07070707.
    let shown = format!("{:?}", MessagesInLanes::new(LanesMac::default(), &[Message { key: &[7; 32], bytes: b"" }]));
    assert!(shown.starts_with("MessagesInLanes") && !shown.contains("117901063") && !shown.contains("7, 7"), "{shown}");
}

#[test]
fn a_maximum_masks_what_the_processor_has() {
    let detected = SimdLevel::detected();
    for max in [SimdLevel::Serial, SimdLevel::Sse2, SimdLevel::Sse42, SimdLevel::Avx2, SimdLevel::Avx512] {
        let level = LanesMac::with_max(max).level();
        assert!(level <= max && level <= detected, "{max:?} gave {level:?} where {detected:?} was detected");
        if cfg!(target_arch = "x86_64") {
            assert_eq!(level, max.min(detected));
        }
    }
}

/// A token whose items lie one after another in memory, as in CBOR read in place.
#[derive(Clone, Copy)]
struct InPlace<'a> {
    bytes: &'a [u8],
    /// Where the items begin and end: three of the head, then the caveats.
    ends: &'a [usize],
}

impl<'a> InPlace<'a> {
    fn item(self, index: usize) -> Item<'a> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Item::first_of(&self.bytes[start..], self.ends[index] - start)
    }
}

impl<'a> TokenView<'a> for InPlace<'a> {
    fn tid(self) -> Text<'a> {
        Text::from("")
    }
    fn kid(self) -> Text<'a> {
        Text::from("")
    }
    fn scope(self) -> ScopeView<'a> {
        unreachable!("a MAC engine has no use for it")
    }
    fn mac(self) -> Option<&'a [u8; 32]> {
        None
    }
    fn caveat_count(self) -> usize {
        self.ends.len() - 3
    }
    fn caveat(self, _index: usize) -> Option<CaveatView<'a>> {
        None
    }
    fn head_items(self) -> [Item<'a>; 3] {
        [0, 1, 2].map(|index| self.item(index))
    }
    fn caveat_item(self, index: usize) -> Item<'a> {
        self.item(3 + index)
    }
}

#[test]
fn one_token_read_in_place_has_the_tag_of_the_definition() {
    // Plain and by hand, so that neither engine's way of copying is the judge of the other's.
    fn by_definition(key: &MacKey, token: InPlace<'_>) -> Tag {
        let head = [&[0x83][..], &token.head_items().map(|item| item.as_bytes().to_vec()).concat()].concat();
        let mut tag = blake3::keyed_hash(key.as_bytes(), &head);
        for index in 0..token.caveat_count() {
            let message = [&tag.as_bytes()[..], token.caveat_item(index).as_bytes()].concat();
            tag = blake3::keyed_hash(key.as_bytes(), &message);
        }
        tag.into()
    }

    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let interesting = [0, 1, 5, 17, 31, 32, 33, 63, 64, 65, 95, 96, 97, 160, 255, 256, 991, 992, 993, 1024, 1500];
    for round in 0..2000 {
        let caveats = rng.random_range(0..8);
        let mut ends = Vec::new();
        let mut len = 0;
        for _ in 0..3 + caveats {
            len += if round % 3 == 0 { *interesting.choose(&mut rng).unwrap() } else { rng.random_range(0..70) };
            ends.push(len);
        }
        // At the very end of memory, and with something behind it.
        let following = [0, 20, 37, 100][round % 4];
        let bytes = bytes(&mut rng, len + following);
        let key = MacKey::new(rng.random());
        let token = InPlace { bytes: &bytes, ends: &ends };
        let expected = by_definition(&key, token);
        assert_eq!(chain::tag_of(&key, token), expected, "serial, items end at {ends:?}");
        for mac in engines() {
            assert_eq!(mac.tag(&key, token), expected, "{:?}, items end at {ends:?}", mac.level());
            let mut tags = [None];
            mac.tags(|_| Some((&key, token)), &mut tags);
            assert_eq!(tags, [Some(expected)], "{:?} in a batch of one, items end at {ends:?}", mac.level());
        }
    }
}
