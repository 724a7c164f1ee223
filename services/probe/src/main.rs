//! The program `ron-services-probe`: all of it is in the library. It allocates by the system's allocator, as the
//! services do.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ron_services_probe::program(&ron_services_probe::CASES, None).main()
}
