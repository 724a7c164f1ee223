//! A whole probe: `sort` on a thousand numbers.
//!
//! `cargo build --release -p fairbench-probe --example sorting` makes it, `fairbench probe --ask
//! target/release/examples/sorting` tries it out.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::process::ExitCode;

use fairbench_probe::{Case, Program};

fn main() -> ExitCode {
    Program::new("sorting")
        .case(
            Case::on_one_thread("sort_1000", 1000, "number"),
            || (0..1000_u64).map(|number| number * 7919 % 1009).collect::<Vec<_>>(),
            |numbers| if sorted(numbers).is_sorted() { Ok(1) } else { Err("not sorted".to_owned()) },
            |numbers| drop(black_box(sorted(numbers))),
        )
        .main()
}

fn sorted(numbers: &[u64]) -> Vec<u64> {
    let mut numbers = numbers.to_vec();
    numbers.sort();
    numbers
}
