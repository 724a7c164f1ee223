//! Names as numbers: each name of a bundle gets one, and a request's names are looked up once, so that all further
//! comparisons are of numbers.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::bundle::MAX_FOLDED_BYTES;
use crate::decision::Field;

/// The number of a name within its field.
pub(crate) type Symbol = u32;

/// The number of each name that the bundle does not hold.
pub(crate) const STRANGER: Symbol = u32::MAX;

/// A name beside its number in a table, so that most are compared without a jump to other memory.
type Name = SmallVec<[u8; 24]>;

/// The names of one field.
#[derive(Debug, Default)]
struct Table(HashMap<Name, Symbol, RandomState>);

/// The names of a bundle.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    tenants: Table,
    subjects: Table,
    actions: Table,
    resources: Table,
    methods: Table,
    regions: Table,
    scopes: Table,
    roles: Table,
    tags: Table,
}

impl Symbols {
    const fn table(&self, field: Field) -> Option<&Table> {
        match field {
            Field::Tenant => Some(&self.tenants),
            Field::Subject => Some(&self.subjects),
            Field::Action => Some(&self.actions),
            Field::Resource => Some(&self.resources),
            Field::Method => Some(&self.methods),
            Field::Region => Some(&self.regions),
            Field::Scopes => Some(&self.scopes),
            Field::Roles => Some(&self.roles),
            Field::Tags => Some(&self.tags),
            Field::Body | Field::Time | Field::Peer => None,
        }
    }

    /// The number of a name of the bundle, which gets one if it has none. Methods and tags are given as they are
    /// folded.
    pub(crate) fn intern(&mut self, field: Field, name: &str) -> Symbol {
        let table = match field {
            Field::Tenant => &mut self.tenants,
            Field::Subject => &mut self.subjects,
            Field::Action => &mut self.actions,
            Field::Resource => &mut self.resources,
            Field::Method => &mut self.methods,
            Field::Region => &mut self.regions,
            Field::Scopes => &mut self.scopes,
            Field::Roles => &mut self.roles,
            Field::Tags => &mut self.tags,
            Field::Body | Field::Time | Field::Peer => return STRANGER,
        };
        // A bundle has fewer bytes than there are numbers.
        let next = Symbol::try_from(table.0.len()).unwrap_or(STRANGER);
        *table.0.entry(Name::from_slice(name.as_bytes())).or_insert(next)
    }

    /// The number of a name of a request.
    pub(crate) fn of(&self, field: Field, name: &str) -> Symbol {
        let Some(Table(table)) = self.table(field) else { return STRANGER };
        if table.is_empty() {
            return STRANGER;
        }
        let find = |name: &[u8]| table.get(name).copied().unwrap_or(STRANGER);
        let is_folded = |byte: &u8| match field {
            Field::Method => !byte.is_ascii_lowercase(),
            Field::Tags => !byte.is_ascii_uppercase(),
            _ => true,
        };
        if name.as_bytes().iter().all(is_folded) {
            return find(name.as_bytes());
        }
        let mut buffer = [0; MAX_FOLDED_BYTES];
        // No name of a bundle that is folded is longer.
        let Some(folded) = buffer.get_mut(..name.len()) else { return STRANGER };
        folded.copy_from_slice(name.as_bytes());
        match field {
            Field::Method => folded.make_ascii_uppercase(),
            _ => folded.make_ascii_lowercase(),
        }
        find(folded)
    }
}
