//! How an index is made.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use super::trie::Trie;
use super::{Fork, Index, Kind, Place};
use crate::decision::Field;
use crate::policy::check::Check;
use crate::policy::symbols::Symbol;
use crate::policy::{CompiledRule, WhatIsUnknown};

/// Fields that a fork can ask for.
const FIELDS: [Field; 10] = [
    Field::Tenant,
    Field::Subject,
    Field::Action,
    Field::Resource,
    Field::Method,
    Field::Region,
    Field::Scopes,
    Field::Roles,
    Field::Tags,
    Field::Peer,
];
/// So few rules are judged one by one.
const FEW_RULES: usize = 4;
/// At so many places a rule may hang, at least. One with a longer list may hang at as many places as the list has
/// values.
const ROOM: usize = 32;
/// A fork has to take away more rules than this: asking costs about as much as judging so many.
const WORTH_IT: f64 = 3.0;
/// For so many fields that a request doesn't tell, one after the other, denies are put in a tree without that field;
/// for more they are judged one by one. Each of these trees holds all of the rules once more.
const UNKNOWN_FIELDS: usize = 2;

/// A value that a rule takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    Name(Symbol),
    Prefix(Box<[u8]>),
}

/// A rule on its way down.
#[derive(Clone, Copy, Debug)]
struct Entry {
    number: u32,
    /// At how many places it may hang below.
    room: usize,
}

/// The values that a rule takes of a field. A rule that takes anything has none.
type Keys = Vec<(Field, Vec<Key>)>;

/// How many rules name a name of a list.
type Uses = HashMap<(Field, Symbol), usize, RandomState>;

pub(super) struct Builder {
    entries: Vec<Entry>,
    /// By number of the rule, of all rules; those of other phases have none.
    keys: Vec<Keys>,
    unknown: WhatIsUnknown,
    leaves: Vec<u32>,
}

impl Builder {
    pub(super) fn new(numbers: &[u32], rules: &[CompiledRule], unknown: WhatIsUnknown) -> Self {
        let of_phase = || numbers.iter().filter_map(|&number| Some((number, rules.get(number as usize)?)));
        let mut uses = Uses::default();
        for check in of_phase().flat_map(|(_, rule)| &rule.checks) {
            if let Check::All { field, names } | Check::Any { field, names } = check {
                names.iter().for_each(|&name| *uses.entry((*field, name)).or_default() += 1);
            }
        }
        let mut keys_of = vec![Keys::new(); rules.len()];
        let mut entries = Vec::with_capacity(numbers.len());
        for (number, rule) in of_phase() {
            let keys = keys(rule, &uses);
            let longest = keys.iter().map(|(_, keys)| keys.len()).max().unwrap_or(0);
            entries.push(Entry { number, room: longest.max(ROOM) });
            if let Some(place) = keys_of.get_mut(number as usize) {
                *place = keys;
            }
        }
        Self { entries, keys: keys_of, unknown, leaves: Vec::new() }
    }

    pub(super) fn build(mut self) -> Index {
        let entries = std::mem::take(&mut self.entries);
        let root = self.place(&entries, &FIELDS, UNKNOWN_FIELDS);
        Index { root, leaves: self.leaves }
    }

    /// Of rules that the fields before did not tell apart.
    fn place(&mut self, entries: &[Entry], fields: &[Field], unknown_fields: usize) -> Place {
        let Some(field) = self.best_field(entries, fields) else { return self.leaf(entries) };
        let others: Vec<Field> = fields.iter().copied().filter(|&other| other != field).collect();
        let (mut by_key, mut any, mut bound) = (BTreeMap::<Key, Vec<Entry>>::new(), Vec::new(), Vec::new());
        for &entry in entries {
            let Some(keys) = self.keys_within(entry, field) else {
                any.push(entry);
                continue;
            };
            bound.push(entry);
            let below = Entry { room: entry.room / keys.len().max(1), ..entry };
            for key in keys {
                by_key.entry(key.clone()).or_default().push(below);
            }
        }
        let (mut names, mut prefixes) = (HashMap::default(), Vec::new());
        for (key, entries) in &by_key {
            let place = self.place(entries, &others, unknown_fields);
            match key {
                Key::Name(name) => drop(names.insert(*name, place)),
                Key::Prefix(prefix) => prefixes.push((&**prefix, place)),
            }
        }
        let can_be_unknown = !matches!(field, Field::Scopes | Field::Roles | Field::Tags);
        let unknown = (can_be_unknown && self.unknown == WhatIsUnknown::Matches).then(|| match unknown_fields {
            0 => self.leaf(&bound),
            more => self.place(&bound, &others, more - 1),
        });
        let fork = Fork {
            field,
            names,
            prefixes: (!prefixes.is_empty()).then(|| Trie::new(prefixes)),
            any: (!any.is_empty()).then(|| self.place(&any, &others, unknown_fields)),
            unknown,
        };
        Place { first: lowest(entries), kind: Kind::Fork(Box::new(fork)) }
    }

    fn leaf(&mut self, entries: &[Entry]) -> Place {
        let start = self.leaves.len();
        self.leaves.extend(entries.iter().map(|entry| entry.number));
        // Bundles are bounded, and so are the places of their rules: numbers of 32 bits reach.
        let place_of = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        Place { first: lowest(entries), kind: Kind::Leaf { start: place_of(start), end: place_of(self.leaves.len()) } }
    }

    /// The field that leaves the fewest rules, if it is worth to ask.
    fn best_field(&self, entries: &[Entry], fields: &[Field]) -> Option<Field> {
        if entries.len() <= FEW_RULES {
            return None;
        }
        let remaining = |field: &Field| (self.remaining(entries, *field), *field);
        let (least, field) = fields.iter().map(remaining).min_by(|a, b| a.0.total_cmp(&b.0))?;
        (least + WORTH_IT < entries.len() as f64).then_some(field)
    }

    /// How many rules a request is left with that asks for what one of the rules takes: those that take anything, and
    /// those at its value.
    fn remaining(&self, entries: &[Entry], field: Field) -> f64 {
        let (mut any, mut by_key) = (0.0, HashMap::<&Key, f64, RandomState>::default());
        for &entry in entries {
            match self.keys_within(entry, field) {
                Some(keys) => keys.iter().for_each(|key| *by_key.entry(key).or_default() += 1.0),
                None => any += 1.0,
            }
        }
        let (sum, squares) = by_key.values().fold((0.0, 0.0), |(sum, squares), n| (sum + n, squares + n * n));
        if sum > 0.0 { any + squares / sum } else { any }
    }

    /// The values that a rule takes, if there is room for them.
    fn keys_within(&self, entry: Entry, field: Field) -> Option<&[Key]> {
        let (_, keys) = self.keys.get(entry.number as usize)?.iter().find(|(of, _)| *of == field)?;
        (keys.len() <= entry.room).then_some(keys)
    }
}

fn lowest(entries: &[Entry]) -> u32 {
    entries.first().map_or(u32::MAX, |entry| entry.number)
}

fn keys(rule: &CompiledRule, uses: &Uses) -> Keys {
    let mut keys = Keys::new();
    for check in &rule.checks {
        let mut values: Vec<Key> = match check {
            Check::Text { names, globs, .. } => {
                let prefixes = globs.iter().map(|glob| Key::Prefix(glob.prefix().as_bytes().into()));
                names.iter().copied().map(Key::Name).chain(prefixes).collect()
            }
            // All are wanted, so one is enough to find the rule: the one that fewest rules want.
            Check::All { field, names } => names
                .iter()
                .min_by_key(|&&name| uses.get(&(*field, name)))
                .copied()
                .map(Key::Name)
                .into_iter()
                .collect(),
            Check::Any { names, .. } => names.iter().copied().map(Key::Name).collect(),
            Check::Peer(ranges) => ranges.iter().map(|range| Key::Prefix(range.prefix().into())).collect(),
            _ => continue,
        };
        values.sort_unstable();
        values.dedup();
        let is_known = keys.iter().any(|(field, _)| *field == check.field());
        // A pattern that begins with a star takes anything, as far as this can tell.
        if !is_known && !values.contains(&Key::Prefix(Box::default())) {
            keys.push((check.field(), values));
        }
    }
    keys
}
