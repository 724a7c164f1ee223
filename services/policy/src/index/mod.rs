//! Which rules can match a request: a tree that asks, at each place, for one field of the request, and so passes over
//! all rules that ask for another value of it.
//!
//! A rule hangs below each of the values that it would take there, by name or by what a pattern begins with, or beside
//! them if it takes any. Which field is asked for is chosen at each place anew, by how few rules remain. Rules that
//! can't match are not visited as long as one of their fields says so and the tree asks for it; what no field tells
//! apart (times, lengths, the end of a pattern) is judged rule by rule.
//!
//! Where the request does not say what is asked for, denies match all the same, so all of them remain.

mod build;
mod trie;

use std::collections::HashMap;

use foldhash::fast::RandomState;

use self::build::Builder;
use self::trie::Trie;
use crate::decision::Field;
use crate::policy::facts::{Facts, Text};
use crate::policy::symbols::{STRANGER, Symbol};
use crate::policy::{CompiledRule, WhatIsUnknown};

/// Counts what a search looks at.
pub(crate) trait Visits {
    /// A rule was judged.
    fn rule(&mut self);
    /// A place of the tree was visited.
    fn place(&mut self);
}

impl Visits for () {
    fn rule(&mut self) {}
    fn place(&mut self) {}
}

/// Rules, found by what they ask for.
#[derive(Debug)]
pub(crate) struct Index {
    root: Place,
    /// Numbers of rules: each leaf is a run of them, ascending.
    leaves: Vec<u32>,
}

/// A place of the tree.
#[derive(Debug)]
struct Place {
    /// The lowest number of the rules below.
    first: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Rules that are judged one by one: a run of [`Index::leaves`].
    Leaf {
        start: u32,
        end: u32,
    },
    Fork(Box<Fork>),
}

/// Asks for a field.
#[derive(Debug)]
struct Fork {
    field: Field,
    /// Rules that take a name.
    names: HashMap<Symbol, Place, RandomState>,
    /// Rules that take what begins with a text.
    prefixes: Option<Trie>,
    /// Rules that take anything.
    any: Option<Place>,
    /// All rules but those that take anything, for requests that do not say what is asked for.
    unknown: Option<Place>,
}

impl Index {
    /// Of the rules with these numbers, ascending.
    pub(crate) fn new(numbers: &[u32], rules: &[CompiledRule], unknown: WhatIsUnknown) -> Self {
        Builder::new(numbers, rules, unknown).build()
    }

    /// The lowest number of a rule that matches.
    pub(crate) fn first_match(
        &self,
        rules: &[CompiledRule],
        facts: &Facts<'_>,
        unknown: WhatIsUnknown,
        visits: &mut impl Visits,
    ) -> Option<u32> {
        let mut search = Search { index: self, rules, facts, unknown, visits, best: u32::MAX };
        search.visit(&self.root);
        (search.best != u32::MAX).then_some(search.best)
    }
}

struct Search<'s, V> {
    index: &'s Index,
    rules: &'s [CompiledRule],
    facts: &'s Facts<'s>,
    unknown: WhatIsUnknown,
    visits: &'s mut V,
    /// The lowest number of a rule that was found to match.
    best: u32,
}

impl<V: Visits> Search<'_, V> {
    /// Looks for a better rule at a place and below. A tree is no deeper than there are fields.
    fn visit(&mut self, place: &Place) {
        if place.first >= self.best {
            return;
        }
        self.visits.place();
        match &place.kind {
            // The number of the only rule is here already.
            Kind::Leaf { start, end } if *end - *start == 1 => self.judge(&[place.first]),
            Kind::Leaf { start, end } => {
                self.judge(self.index.leaves.get(*start as usize..*end as usize).unwrap_or_default());
            }
            Kind::Fork(fork) => self.follow(fork),
        }
    }

    /// Judges rules by their numbers, ascending, up to the first that matches.
    fn judge(&mut self, numbers: &[u32]) {
        for &number in numbers {
            if number >= self.best {
                return;
            }
            self.visits.rule();
            let Some(rule) = self.rules.get(number as usize) else { continue };
            if rule.matches(self.facts, self.unknown) {
                self.best = number;
                return;
            }
        }
    }

    fn follow(&mut self, fork: &Fork) {
        match fork.field {
            Field::Scopes | Field::Roles | Field::Tags => {
                for name in self.facts.names(fork.field) {
                    self.visit_some(fork.names.get(name));
                }
            }
            Field::Peer => match &self.facts.peer {
                Some(peer) => self.visit_prefixes(fork, peer.bytes()),
                None => self.visit_some(fork.unknown.as_ref()),
            },
            _ => match self.facts.text(fork.field) {
                Text::Known(text, symbol) => {
                    if symbol != STRANGER {
                        self.visit_some(fork.names.get(&symbol));
                    }
                    self.visit_prefixes(fork, text.as_bytes());
                }
                Text::Unknown => self.visit_some(fork.unknown.as_ref()),
            },
        }
        self.visit_some(fork.any.as_ref());
    }

    fn visit_some(&mut self, place: Option<&Place>) {
        if let Some(place) = place {
            self.visit(place);
        }
    }

    fn visit_prefixes(&mut self, fork: &Fork, text: &[u8]) {
        for place in fork.prefixes.iter().flat_map(|trie| trie.prefixes_of(text)) {
            self.visit(place);
        }
    }
}
