//! How results are shown: a CSV for machines, a page, a summary and plots for people, and flamegraphs.

pub mod answer;
mod chart;
pub mod conclude;
pub mod csv;
mod data;
pub mod figures;
mod format;
pub mod html;
pub mod page;
pub mod summary;
pub mod verdict;
