use super::*;
use crate::test_data::{host, rows};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../baselines/tripwires.toml");

fn parse(text: &str) -> anyhow::Result<Tripwires> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tripwires.toml");
    std::fs::write(&path, text).unwrap();
    Tripwires::read(&path)
}

fn ratio_tripwire(limit: &str) -> JudgedTripwire {
    let text =
        format!("[[ratio]]\nname = \"r\"\ncell = {{ variant = \"prod\", fixture = \"light\", batch = 1 }}\n{limit}\n");
    parse(&text).unwrap().judge(&host(), &rows()).remove(0)
}

#[test]
fn the_established_tripwires_bind_on_their_laptop_only() {
    let tripwires = Tripwires::read(Path::new(SHIPPED)).unwrap();
    let limits: Vec<(&str, f64)> = tripwires.absolute.iter().map(|t| (t.name.as_str(), t.limit_us)).collect();
    assert_eq!(
        limits,
        [
            ("verify_single", 3.7),
            ("verify_many_64", 132.0),
            ("verify_single_heavy", 16.2),
            ("verify_many_64_heavy", 370.0)
        ]
    );
    let laptop = Host { cpu: "Intel(R) Core(TM) i5-8257U CPU @ 1.40GHz".to_owned(), rayon_threads: 4, ..host() };
    for tripwire in &tripwires.absolute {
        assert!(tripwire.binds(&laptop));
        assert!(!tripwire.binds(&Host { rayon_threads: 8, ..laptop.clone() }));
        assert!(!tripwire.binds(&host()));
    }
}

#[test]
fn a_ratio_beyond_its_limit_is_broken_only_if_the_whole_interval_is() {
    // The test data's prod on light, batch 1: 4.9 to 5.1 times as fast as plain, 1.9 to 2.1 times the floor.
    assert_eq!(ratio_tripwire("speedup_over_plain_at_least = 4.5").state, TripwireState::Holds);
    assert_eq!(ratio_tripwire("speedup_over_plain_at_least = 5.05").state, TripwireState::Holds);
    assert_eq!(ratio_tripwire("speedup_over_plain_at_least = 5.5").state, TripwireState::Broken);
    assert_eq!(ratio_tripwire("ratio_to_plain_at_most = 0.197").state, TripwireState::Holds);
    assert_eq!(ratio_tripwire("ratio_to_plain_at_most = 0.19").state, TripwireState::Broken);
    assert_eq!(ratio_tripwire("ratio_to_floor_at_most = 2.5").state, TripwireState::Holds);
    assert_eq!(ratio_tripwire("ratio_to_floor_at_most = 1.5").state, TripwireState::Broken);
}

#[test]
fn nothing_binds_in_a_debug_build_and_what_was_not_measured_is_said() {
    let text = "[[ratio]]\nname = \"r\"\ncell = { variant = \"prod\", fixture = \"heavy\", batch = 8 }\n\
                ratio_to_floor_at_most = 0.1\n";
    let tripwires = parse(text).unwrap();
    assert_eq!(tripwires.judge(&host(), &[]).remove(0).state, TripwireState::NotMeasured);
    let debug = Host { build: "debug".to_owned(), ..host() };
    assert_eq!(tripwires.judge(&debug, &rows()).remove(0).state, TripwireState::Elsewhere);
}

#[test]
fn an_absolute_limit_is_for_a_call_not_for_a_token() {
    let text = "[[absolute]]\nname = \"a\"\nlimit_us = 10\nhost = { cpu = \"Test\", rayon_threads = 2 }\n\
                cell = { variant = \"prod\", fixture = \"light\", batch = 64 }\n";
    // 1000 ns per token make 64 µs per call.
    let judged = parse(text).unwrap().judge(&host(), &rows()).remove(0);
    assert_eq!((judged.state, judged.measured.as_str()), (TripwireState::Broken, "64.00 µs"));
}

#[test]
fn a_tripwire_is_planned_if_its_very_cell_is() {
    use crate::run::simulated::{self, Truth};
    let panels = simulated::run(&Truth::default(), 6).header.panels;
    let planned = |cell: &str| {
        let text = format!("[[ratio]]\nname = \"r\"\ncell = {{ {cell} }}\nratio_to_floor_at_most = 1\n");
        parse(&text).unwrap().is_planned("r", &panels)
    };
    assert!(planned("variant = \"prod\", fixture = \"light\", batch = 64"));
    assert!(!planned("variant = \"prod\", fixture = \"light\", batch = 63"));
    assert!(!planned("variant = \"prod\", fixture = \"heavy\", batch = 64"));
}

#[test]
fn what_is_wrong_with_a_tripwire_is_named() {
    let message = |text| parse(text).unwrap_err().to_string();
    assert!(message("[[ratio]]\nname = 3\n").contains("tripwires.toml:2: "), "{}", message("[[ratio]]\nname = 3\n"));
    assert!(message("[[ratioo]]\n").contains("unknown field `ratioo`"));
    let cell = "cell = { variant = \"prodd\", fixture = \"light\", batch = 1 }\n";
    let unknown = format!("[[ratio]]\nname = \"r\"\n{cell}ratio_to_floor_at_most = 1\n");
    assert!(message(&unknown).contains("the variants are plain"), "{}", message(&unknown));
    let neither = format!("[[ratio]]\nname = \"r\"\n{}", cell.replace("prodd", "prod"));
    assert!(message(&neither).contains("exactly one of"));
    let both = format!("{neither}ratio_to_plain_at_most = 1\nspeedup_over_plain_at_least = 1\n");
    assert!(message(&both).contains("exactly one of"));
}

#[test]
fn a_ratio_for_some_simd_paths_binds_on_their_hosts_alone() {
    // The test data's host has AVX2, and its prod takes 1.9 to 2.1 times the floor.
    let on = |paths: &str| ratio_tripwire(&format!("ratio_to_floor_at_most = 1.5\nsimd_paths = [{paths}]")).state;
    assert_eq!(on("\"avx2\""), TripwireState::Broken);
    assert_eq!(on("\"avx512\", \"avx2\""), TripwireState::Broken);
    assert_eq!(on("\"avx512\""), TripwireState::Elsewhere);
    assert_eq!(on(""), TripwireState::Elsewhere);
}

#[test]
fn a_simd_path_that_no_host_has_is_refused() {
    let text = "[[ratio]]\nname = \"r\"\ncell = { variant = \"prod\", fixture = \"light\", batch = 1 }\n\
                ratio_to_floor_at_most = 1\nsimd_paths = [\"avx2\", \"AVX-512\"]\n";
    let refused = parse(text).unwrap_err().to_string();
    assert!(refused.contains("\"r\": simd_paths has \"AVX-512\"; expected any of avx512, avx2"), "{refused}");
}

#[test]
fn classic_is_held_to_its_bounds_on_every_host_and_to_stricter_ones_with_avx_512() {
    let tripwires = Tripwires::read(Path::new(SHIPPED)).unwrap();
    let bounds = |simd_path: &str| {
        let host = Host { simd_path: simd_path.to_owned(), ..host() };
        [("light", 1), ("light", 64), ("heavy", 1), ("heavy", 64)].map(|(fixture, batch)| {
            let variant = crate::catalogue::CLASSIC.to_owned();
            tripwires.most_of_plain(&host, &CellName { variant, fixture: fixture.to_owned(), batch })
        })
    };
    assert_eq!(bounds("avx512"), [Some(0.66), Some(0.70), Some(0.75), Some(0.75)]);
    for simd_path in ["avx2", "neon", "portable"] {
        assert_eq!(bounds(simd_path), [Some(0.72), Some(0.70), Some(0.75), Some(0.75)], "{simd_path}");
    }
    let judged = tripwires.judge(&host(), &rows());
    let light = judged.iter().find(|judged| judged.name == "classic single light, to plain").unwrap();
    assert_eq!((light.state.clone(), light.measured.as_str()), (TripwireState::Holds, "0.65 (0.64–0.66)"));
}
