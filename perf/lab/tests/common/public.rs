//! What the public items of a crate name of other crates, read off its source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The crates among `dependencies` that public items of the crate at `src` name, each with the first of those items.
///
/// Public is what says `pub`: that no such item is out of reach is held by the lint `unreachable_pub`. What a macro
/// expands to is not seen, but for derives, which name what they implement.
pub(crate) fn named_in_public(src: &Path, dependencies: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut types = BTreeSet::new();
    let modules = modules(&src.join("lib.rs"), src);
    for (_, items) in &modules {
        types.extend(items.iter().filter(|item| item.is_public).filter_map(Item::type_name));
    }
    let mut found = BTreeMap::new();
    for (file, items) in &modules {
        let names = Names::of(items, dependencies);
        for item in items {
            for dependency in item.names_publicly(&names, &types) {
                let place = file.strip_prefix(src).unwrap_or(file).display();
                found.entry(dependency).or_insert_with(|| format!("{place}: {}", item.title()));
            }
        }
    }
    found
}

/// The items of each module, with its file; without what is there for tests only.
fn modules(file: &Path, children: &Path) -> Vec<(PathBuf, Vec<Item>)> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    inner_modules(items(text.parse::<TokenStream>().unwrap()), file, children)
}

fn inner_modules(items: Vec<Item>, file: &Path, children: &Path) -> Vec<(PathBuf, Vec<Item>)> {
    let mut all = Vec::new();
    for item in items.iter().filter(|item| item.kind == "mod") {
        let below = children.join(word(&item.tokens[1]));
        all.extend(match item.body() {
            Some(body) => inner_modules(self::items(body), file, &below),
            None if below.with_extension("rs").is_file() => modules(&below.with_extension("rs"), &below),
            None => modules(&below.join("mod.rs"), &below),
        });
    }
    all.push((file.to_owned(), items));
    all
}

struct Item {
    attributes: Vec<TokenTree>,
    is_public: bool,
    /// Its keyword, such as `fn`.
    kind: String,
    /// From its keyword on.
    tokens: Vec<TokenTree>,
}

impl Item {
    /// The last group in braces: what an item with a body ends with.
    fn body(&self) -> Option<TokenStream> {
        match self.tokens.last() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
            _ => None,
        }
    }

    fn head(&self) -> &[TokenTree] {
        &self.tokens[..self.tokens.len() - usize::from(self.body().is_some())]
    }

    fn title(&self) -> String {
        self.tokens.iter().take(2).map(word).collect::<Vec<_>>().join(" ")
    }

    fn type_name(&self) -> Option<String> {
        ["struct", "enum", "type", "union"].contains(&&*self.kind).then(|| word(&self.tokens[1]))
    }

    fn names_publicly(&self, names: &Names, types: &BTreeSet<String>) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        match &*self.kind {
            "use" if self.is_public => {
                found.extend(paths(&self.tokens[1..]).iter().filter_map(|(path, _)| names.krate(path.first()?)));
            }
            "fn" if self.is_public => names.mentioned(self.head(), &mut found),
            "const" | "static" if self.is_public => {
                let value = self.tokens.iter().position(|token| word(token) == "=").unwrap_or(self.tokens.len());
                names.mentioned(&self.tokens[..value], &mut found);
            }
            "type" | "enum" | "union" if self.is_public => {
                names.mentioned(&self.attributes, &mut found);
                names.mentioned(&self.tokens, &mut found);
            }
            "struct" if self.is_public => {
                names.mentioned(&self.attributes, &mut found);
                let is_body = |token: &TokenTree| match token {
                    TokenTree::Group(group) => group.delimiter() != Delimiter::Bracket,
                    _ => false,
                };
                let (bodies, head): (Vec<_>, Vec<_>) = self.tokens.iter().cloned().partition(is_body);
                names.mentioned(&head, &mut found);
                for body in bodies {
                    let TokenTree::Group(body) = body else { continue };
                    for field in public_fields(body.stream()) {
                        names.mentioned(&field, &mut found);
                    }
                }
            }
            "trait" if self.is_public => {
                names.mentioned(self.head(), &mut found);
                for item in self.body().map(items).into_iter().flatten() {
                    found.extend(Self { is_public: true, ..item }.names_publicly(names, types));
                }
            }
            "impl" => {
                let of_trait = self.tokens.iter().position(|token| word(token) == "for");
                let whose = &self.head()[of_trait.unwrap_or(0)..];
                if !whose.iter().any(|token| types.contains(&word(token))) {
                    return found;
                }
                if of_trait.is_some() {
                    names.mentioned(self.head(), &mut found);
                }
                for item in self.body().map(items).into_iter().flatten() {
                    let is_public = item.is_public || of_trait.is_some() && item.kind == "type";
                    found.extend(Self { is_public, ..item }.names_publicly(names, types));
                }
            }
            _ => {}
        }
        found
    }
}

/// What names stand for in a module.
struct Names {
    dependencies: BTreeSet<String>,
    /// By `use`.
    imported: BTreeMap<String, String>,
}

impl Names {
    fn of(items: &[Item], dependencies: &BTreeSet<String>) -> Self {
        let own: BTreeSet<String> =
            items.iter().filter(|item| item.kind == "mod").map(|item| word(&item.tokens[1])).collect();
        let dependencies = dependencies.difference(&own).cloned().collect();
        let mut names = Self { dependencies, imported: BTreeMap::new() };
        for item in items.iter().filter(|item| item.kind == "use") {
            for (path, name) in paths(&item.tokens[1..]) {
                if let Some(krate) = path.first().and_then(|first| names.krate(first)) {
                    names.imported.insert(name, krate);
                }
            }
        }
        names
    }

    fn krate(&self, first: &str) -> Option<String> {
        self.dependencies.get(first).cloned()
    }

    fn mentioned(&self, tokens: &[TokenTree], found: &mut BTreeSet<String>) {
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.mentioned(&group.stream().into_iter().collect::<Vec<_>>(), found),
                TokenTree::Ident(ident) => {
                    let begins = at < 2 || word(&tokens[at - 1]) != ":" || word(&tokens[at - 2]) != ":";
                    let leads_on = tokens.get(at + 1).is_some_and(|token| word(token) == ":")
                        && tokens.get(at + 2).is_some_and(|token| word(token) == ":");
                    let name = ident.to_string();
                    if begins {
                        found.extend(self.imported.get(&name).cloned());
                        found.extend(self.krate(&name).filter(|_| leads_on));
                    }
                }
                _ => {}
            }
        }
    }
}

/// The items of a file or of a body, without those for tests only.
fn items(stream: TokenStream) -> Vec<Item> {
    let tokens: Vec<_> = stream.into_iter().collect();
    let (mut items, mut rest) = (Vec::new(), &tokens[..]);
    while !rest.is_empty() {
        let mut attributes = Vec::new();
        while let [TokenTree::Punct(hash), after @ ..] = rest
            && hash.as_char() == '#'
        {
            let skipped = 1 + after.iter().take_while(|token| word(token) == "!").count();
            attributes.extend(after.get(skipped - 1).cloned());
            rest = after.get(skipped..).unwrap_or_default();
        }
        let is_pub = rest.first().is_some_and(|token| word(token) == "pub");
        let is_limited = is_pub && matches!(rest.get(1), Some(TokenTree::Group(_)));
        rest = &rest[usize::from(is_pub) + usize::from(is_limited)..];
        while let [token, next, ..] = rest
            && (["async", "unsafe", "default", "extern"].contains(&&*word(token))
                || word(token).starts_with('"')
                || word(token) == "const" && ["fn", "unsafe", "async", "extern"].contains(&&*word(next)))
        {
            rest = &rest[1..];
        }
        let kind = rest.first().map(word).unwrap_or_default();
        let has_value = ["use", "const", "static", "type", "let"].contains(&&*kind);
        let is_end = |token: &TokenTree| match token {
            TokenTree::Group(group) => !has_value && group.delimiter() == Delimiter::Brace,
            token => word(token) == ";",
        };
        let end = rest.iter().position(is_end).map_or(rest.len(), |at| at + 1);
        let (item, after) = rest.split_at(end);
        rest = after;
        let is_test = attributes.iter().any(|attribute| word(attribute).replace(' ', "") == "[cfg(test)]");
        if !is_test && !item.is_empty() {
            let tokens = item.to_vec();
            items.push(Item { attributes, is_public: is_pub && !is_limited, kind, tokens });
        }
    }
    items
}

/// The paths of a `use`, each with the name that it brings.
fn paths(tokens: &[TokenTree]) -> Vec<(Vec<String>, String)> {
    let mut prefix: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Group(group) => {
                let inner: Vec<_> = group.stream().into_iter().collect();
                let each = inner.split(|token| word(token) == ",").filter(|one| !one.is_empty()).flat_map(paths);
                let own = prefix.last().cloned().unwrap_or_default();
                let named = |name: String| if name == "self" { own.clone() } else { name };
                return each.map(|(path, name)| ([&prefix[..], &path].concat(), named(name))).collect();
            }
            TokenTree::Ident(ident) if ident == "as" => {
                return tokens.get(at + 1).map(|name| (prefix.clone(), word(name))).into_iter().collect();
            }
            TokenTree::Ident(ident) => prefix.push(ident.to_string()),
            _ => {}
        }
        at += 1;
    }
    prefix.last().cloned().map(|name| (prefix.clone(), name)).into_iter().collect()
}

/// The fields of a body of a structure that say `pub`.
fn public_fields(body: TokenStream) -> Vec<Vec<TokenTree>> {
    let (mut fields, mut depth) = (vec![Vec::new()], 0_i32);
    let mut before = String::new();
    for token in body {
        let now = word(&token);
        depth += i32::from(now == "<") - i32::from(now == ">" && before != "-");
        if now == "," && depth == 0 {
            fields.push(Vec::new());
        } else if let Some(field) = fields.last_mut() {
            field.push(token);
        }
        before = now;
    }
    let without_attributes = |field: Vec<TokenTree>| {
        let at = field.chunks(2).take_while(|pair| word(&pair[0]) == "#").count() * 2;
        field[at.min(field.len())..].to_vec()
    };
    let is_public = |field: &Vec<TokenTree>| {
        field.first().is_some_and(|token| word(token) == "pub")
            && !matches!(field.get(1), Some(TokenTree::Group(group)) if is_limit(group))
    };
    fields.into_iter().map(without_attributes).filter(is_public).collect()
}

/// Whether `pub` with this group behind it is `pub(crate)` or the like, and not a field that is a tuple.
fn is_limit(group: &proc_macro2::Group) -> bool {
    let first = group.stream().into_iter().next().map(|token| word(&token)).unwrap_or_default();
    group.delimiter() == Delimiter::Parenthesis && ["crate", "super", "self", "in"].contains(&&*first)
}

fn word(token: &TokenTree) -> String {
    token.to_string()
}
