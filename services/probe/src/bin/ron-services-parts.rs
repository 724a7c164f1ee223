//! The program `ron-services-parts`: what the requests of `ron-services-probe` are made of, without the service that
//! makes one of them.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ron_services_probe::program(&ron_services_probe::PARTS, None).main()
}
