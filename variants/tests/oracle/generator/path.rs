//! Paths that are tried.

use proptest::prelude::*;
use proptest::sample::select;

/// Which paths are tried.
#[derive(Clone, Copy, Debug)]
pub enum Paths {
    /// Names that no server reads otherwise, and dot segments and separators in a few spellings.
    Ordinary,
    /// Any characters, those first that some server takes for a separator or the end of a path.
    Anything,
}

pub fn path(paths: Paths) -> BoxedStrategy<String> {
    let name = select(vec!["a", "b", "ab", "index", "x-1", "a.b", "a%20b", "v1", "A", "7"]);
    let segment = prop_oneof![40 => name, 1 => select(vec![".", "..", "%2e", "%2E%2e", ".%2e", "a%2Fb", "%2f", ""])];
    let ordinary = (proptest::collection::vec(segment, 0..5), any::<bool>()).prop_map(|(segments, is_folder)| {
        let end = if is_folder && !segments.is_empty() { "/" } else { "" };
        format!("/{}{end}", segments.join("/"))
    });
    let pieces = [
        // What most pieces come between.
        "/",
        "/",
        "/",
        "/",
        "a",
        "b",
        "c",
        // Dots, leads, what follows them, drives.
        ".",
        "..",
        "...",
        "%2e",
        "%20",
        " ",
        "+",
        "%2B",
        "%C2%A0",
        "\u{a0}",
        "\u{200b}",
        "%e2%80%8b",
        "\u{3000}",
        "\u{feff}",
        "\u{e0100}",
        "\u{2024}",
        "\u{2026}",
        "\u{ff0e}",
        "\u{fe52}",
        "%EF%BC%8E",
        ";",
        ":",
        "%3a",
        "\u{ff1a}",
        "\u{2236}",
        "é",
        "\u{42f}",
        "\u{3042}",
        "%d0%af",
        "%61",
        "7",
        "_",
        // Separators and ends.
        "\\",
        "%5c",
        "%5C",
        "%2F",
        "%3b",
        "%3B",
        "?",
        "#",
        "%3f",
        "%23",
        "\0",
        "%00",
        "\t",
        "\r\n",
        "%0a",
        "\x7f",
        "%7f",
        "\u{85}",
        "%c2%85",
        "\u{2028}",
        "\u{2215}",
        "\u{ff0f}",
        "\u{2216}",
        "\u{a5}",
        "\u{37e}",
        "\u{ff1b}",
        "\u{ff1f}",
        "\u{2048}",
        "\u{ff03}",
        "\u{ff05}",
        "\u{66a}",
        "\u{2ba}",
        "\u{30e}",
        "\u{226e}",
        "\u{3008}",
        "\u{ff1e}",
        "\"",
        "%22",
        "<",
        "%3E",
        // Escapes that are none, not once, or of no character.
        "%",
        "%2",
        "%g0",
        "%u002e",
        "%25",
        "%252e",
        "%%32%65",
        "%c0%ae",
        "%c1%9c",
        "%e0%80%ae",
        "%ed%a0%80",
        "%ff",
        "%c3",
        "%a9",
        "%f0%9f%98%80",
        "%f4%90%80%80",
        "\u{1f600}",
        "%uff0e",
        // The rest of what a path may have, what it may not, and what nobody would think of.
        "-",
        "~",
        "!",
        "$",
        "&",
        "'",
        "(",
        ")",
        "*",
        ",",
        "=",
        "@",
        "[",
        "]",
        "{",
        "}",
        "|",
        "^",
        "`",
        "\u{3002}",
        "\u{2c6f}",
        "\u{301}",
        "v=1",
        "::$DATA",
        "no-slash",
    ];
    match paths {
        Paths::Ordinary => ordinary.boxed(),
        Paths::Anything => prop_oneof![
            2 => ordinary,
            12 => proptest::collection::vec(select(pieces.to_vec()), 0..6)
                .prop_map(|pieces| format!("/{}", pieces.concat())),
            1 => proptest::collection::vec(select(pieces.to_vec()), 0..4).prop_map(|pieces| pieces.concat()),
            1 => any::<String>(),
            1 => any::<String>().prop_map(|path| format!("/{path}")),
        ]
        .boxed(),
    }
}
