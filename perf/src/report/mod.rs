//! How results are shown: a CSV for machines, a page, a summary and plots for people, flamegraphs for the curious.

pub mod answer;
mod chart;
pub mod conclude;
pub mod csv;
mod data;
pub mod html;
pub mod plots;
pub mod progress;
pub mod summary;
#[cfg(test)]
pub(crate) mod test_data;
pub mod verdict;
