//! Which module of a crate names which other, read off its source.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The modules of a crate, without its tests, and what they name in it.
pub(crate) struct Crate {
    src: PathBuf,
    pub(crate) modules: BTreeSet<Vec<String>>,
    /// Which module names which path from the root.
    pub(crate) named: BTreeSet<(Vec<String>, Vec<String>)>,
}

impl Crate {
    pub(crate) fn read(src: &Path) -> Self {
        let mut read = Self { src: src.to_owned(), modules: BTreeSet::new(), named: BTreeSet::new() };
        read.file(&src.join("lib.rs"), &[]);
        read
    }

    fn file(&mut self, path: &Path, module: &[String]) {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.tokens(&text.parse::<TokenStream>().unwrap().into_iter().collect::<Vec<_>>(), module);
    }

    fn tokens(&mut self, tokens: &[TokenTree], module: &[String]) {
        let mut at = 0;
        while at < tokens.len() {
            match (&tokens[at], tokens.get(at + 1), tokens.get(at + 2)) {
                // An attribute; and with it what is there for tests only.
                (TokenTree::Punct(hash), Some(TokenTree::Group(attribute)), _) if hash.as_char() == '#' => {
                    at += 1;
                    if attribute.stream().to_string().replace(' ', "") == "cfg(test)" {
                        let ends = |token: &TokenTree| match token {
                            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                            token => token.to_string() == ";",
                        };
                        at += tokens[at..].iter().position(ends).unwrap_or(0);
                    }
                }
                (TokenTree::Ident(word), Some(TokenTree::Ident(name)), Some(after)) if word == "mod" => {
                    let inner = [module, &[name.to_string()]].concat();
                    self.modules.insert(inner.clone());
                    if let TokenTree::Group(body) = after {
                        self.tokens(&body.stream().into_iter().collect::<Vec<_>>(), &inner);
                    } else {
                        let stem = self.src.join(inner.join("/"));
                        let flat = stem.with_extension("rs");
                        self.file(&if flat.is_file() { flat } else { stem.join("mod.rs") }, &inner);
                    }
                    at += 2;
                }
                (TokenTree::Ident(word), Some(TokenTree::Punct(colon)), _)
                    if colon.as_char() == ':' && (word == "crate" || word == "super" || word == "self") =>
                {
                    let base = if word == "crate" { &[] } else { module };
                    at += self.path(&tokens[at..], module, base.to_vec()).saturating_sub(1);
                }
                (TokenTree::Group(group), ..) => {
                    self.tokens(&group.stream().into_iter().collect::<Vec<_>>(), module);
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Notes the path that these tokens begin with, or each of a list of them, as seen from `base`. How many tokens it
    /// has.
    fn path(&mut self, tokens: &[TokenTree], module: &[String], mut base: Vec<String>) -> usize {
        let mut at = 0;
        loop {
            match tokens.get(at) {
                Some(TokenTree::Ident(word)) if word == "crate" || word == "self" => {}
                Some(TokenTree::Ident(word)) if word == "super" => drop(base.pop()),
                Some(TokenTree::Ident(word)) => base.push(word.to_string()),
                Some(TokenTree::Group(list)) if list.delimiter() == Delimiter::Brace => {
                    let list: Vec<_> = list.stream().into_iter().collect();
                    for one in list.split(|token| token.to_string() == ",") {
                        self.path(one, module, base.clone());
                    }
                    return at + 1;
                }
                _ => break,
            }
            at += 1;
            let colons = |at: usize| tokens.get(at).is_some_and(|token| token.to_string() == ":");
            if !(colons(at) && colons(at + 1)) {
                break;
            }
            at += 2;
        }
        self.named.insert((module.to_vec(), base));
        at
    }

    pub(crate) fn rooms(&self) -> BTreeSet<String> {
        self.modules.iter().filter(|module| module.len() == 1).map(|module| module[0].clone()).collect()
    }

    /// Which room names which other, and a module that does.
    pub(crate) fn arrows_of_rooms(&self) -> BTreeMap<(String, String), String> {
        let rooms = self.rooms();
        let arrows = self.named.iter().filter_map(|(module, path)| {
            let (from, to) = (module.first()?, path.first()?);
            (from != to && rooms.contains(to)).then(|| ((from.clone(), to.clone()), module.join("::")))
        });
        arrows.collect()
    }

    /// What rooms name at the root that is no room.
    pub(crate) fn past_the_rooms(&self) -> Vec<String> {
        let rooms = self.rooms();
        let past = self.named.iter().filter(|(module, path)| {
            !module.is_empty() && !path.is_empty() && *path != *module && !rooms.contains(&path[0])
        });
        past.map(|(module, path)| format!("{} names crate::{}", module.join("::"), path.join("::"))).collect()
    }
}

/// The shortest way from a room back to itself, arrow by arrow.
pub(crate) fn cycle(arrows: &BTreeMap<(String, String), String>) -> Option<Vec<String>> {
    let ways = arrows.keys().filter_map(|(first, second)| {
        let mut ways = VecDeque::from([vec![first.clone(), second.clone()]]);
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop_front() {
            let last = way.last()?;
            if last == first {
                return Some(way);
            }
            for (_, next) in arrows.keys().filter(|(from, _)| from == last) {
                if seen.insert(next.clone()) {
                    ways.push_back([&way[..], std::slice::from_ref(next)].concat());
                }
            }
        }
        None
    });
    let way = ways.min_by_key(Vec::len)?;
    let arrow =
        |pair: &[String]| format!("{} -> {} ({})", pair[0], pair[1], arrows[&(pair[0].clone(), pair[1].clone())]);
    Some(way.windows(2).map(arrow).collect())
}
