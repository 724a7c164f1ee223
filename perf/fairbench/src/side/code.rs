//! Which part of a source file is code: the tokens, without comments, white space, documentation and tests.
//!
//! Where two programs are equal, this says whether their sources explain it. It decides nothing else: programs that
//! differ are measured, whatever their sources say.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A digest of the code of a file. Files that are neither Rust nor TOML, or cannot be parsed as such, are code as a
/// whole.
pub(super) fn digest(name: &str, content: &[u8]) -> String {
    let text = std::str::from_utf8(content).ok();
    let code = match (text, name.rsplit('.').next()) {
        (Some(text), Some("rs")) => text.parse::<TokenStream>().ok().map(tokens_of),
        (Some(text), Some("toml")) => text.parse::<toml::Table>().ok().map(|table| table.to_string()),
        _ => None,
    };
    blake3::hash(code.as_deref().map_or(content, str::as_bytes)).to_hex().to_string()
}

/// The tokens that end up in a program, as text.
fn tokens_of(tokens: TokenStream) -> String {
    let mut code = String::new();
    append(tokens, &mut code);
    code
}

fn append(tokens: TokenStream, code: &mut String) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if let TokenTree::Punct(hash) = &token
            && hash.as_char() == '#'
        {
            // An inner attribute has a `!` in between.
            let inner = matches!(tokens.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '!');
            let mark = if inner { tokens.next() } else { None };
            let attribute = match tokens.peek() {
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
                    Some(group.stream().to_string())
                }
                _ => None,
            };
            match attribute.as_deref().map(|attribute| attribute.split_whitespace().collect::<String>()) {
                Some(attribute) if attribute.starts_with("doc=") => drop(tokens.next()),
                Some(attribute) if attribute == "cfg(test)" && !inner => {
                    let bracket = tokens.next();
                    if tokens.peek().is_some_and(begins_an_item) {
                        skip_item(&mut tokens);
                    } else {
                        // Of a field or a match arm it is hard to say where it ends.
                        push(&token, code);
                        bracket.iter().for_each(|bracket| push(bracket, code));
                    }
                }
                _ => {
                    push(&token, code);
                    if let Some(mark) = mark {
                        push(&mark, code);
                    }
                }
            }
            continue;
        }
        push(&token, code);
    }
}

fn begins_an_item(token: &TokenTree) -> bool {
    const WORDS: [&str; 11] =
        ["const", "enum", "extern", "fn", "impl", "mod", "pub", "static", "struct", "trait", "use"];
    matches!(token, TokenTree::Ident(word) if WORDS.iter().any(|known| word == known))
}

/// Skips the tokens of an item: up to its block, or to its semicolon.
fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            TokenTree::Punct(mark) if mark.as_char() == ';' => return,
            _ => {}
        }
    }
}

fn push(token: &TokenTree, code: &mut String) {
    if let TokenTree::Group(group) = token {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        code.push_str(open);
        append(group.stream(), code);
        code.push_str(close);
    } else {
        code.push_str(&token.to_string());
        // `&&` is one operator, `& &` are two.
        if !matches!(token, TokenTree::Punct(mark) if mark.spacing() == Spacing::Joint) {
            code.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str =
        "pub fn f(a: &'static str) -> char { let x = [1, 2]; if a == \"// no comment\" { 'x' } else { '\\'' } }";

    fn same(other: &str) -> bool {
        digest("a/b.rs", CODE.as_bytes()) == digest("b.rs", other.as_bytes())
    }

    #[test]
    fn comments_space_documentation_and_tests_are_no_code() {
        assert!(same(&format!("//! Words.\n// more\n/// A function.\n{CODE}\n/* and /* nested */ more */")));
        assert!(same(&CODE.replace(' ', "\n  ").replace("\"//\n  no\n  comment\"", "\"// no comment\"")));
        assert!(same(&format!("{CODE}\n#[cfg(test)]\nmod tests {{ use super::*; #[test] fn t() {{ f(\"\"); }} }}")));
        assert!(same(&format!("#[cfg(test)]\nuse a::b;\n#[doc = \"words\"]\n{CODE}")));
    }

    #[test]
    fn whatever_may_reach_a_program_is_code() {
        assert!(!same(&CODE.replace("1, 2", "1, 3")));
        assert!(!same(&CODE.replace("// no comment", "//  no comment")));
        assert!(!same(&format!("#[inline] {CODE}")));
        assert!(!same(&format!("#[cfg(feature = \"x\")] fn g() {{}} {CODE}")));
        assert!(!same(&format!("{CODE} #[cfg(test)] mod tests {{}} fn behind() {{}}")));
        assert!(!same(&format!("#![no_std] {CODE}")));
        let arms =
            |more: &str| format!("{CODE} fn m(x: u8) -> u8 {{ match x {{ #[cfg(test)] 9 => 1, {more} _ => 0 }} }}");
        assert_ne!(digest("a.rs", arms("1 => 2,").as_bytes()), digest("a.rs", arms("1 => 3,").as_bytes()));
    }

    #[test]
    fn settings_are_their_values_and_any_other_file_is_its_bytes() {
        let of = |text: &str| digest("Cargo.toml", text.as_bytes());
        assert_eq!(of("[a]\nb = 1\n"), of("# why\n[a]\nb   = 1 # so\n"));
        assert_ne!(of("[a]\nb = 1\n"), of("[a]\nb = 2\n"));
        assert_ne!(digest("a.txt", b"x"), digest("a.txt", b"x "));
        // What is no Rust is taken as it is.
        assert_ne!(digest("a.rs", b"fn ("), digest("a.rs", b"fn ( "));
    }
}
