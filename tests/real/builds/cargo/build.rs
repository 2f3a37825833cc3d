// SPDX-License-Identifier: GPL-2.0-or-later
use std::{env, fs, path::Path};
fn main() {
    let out = env::var("OUT_DIR").unwrap();
    fs::write(Path::new(&out).join("made.rs"), "pub const MADE: u32 = 42;\n").unwrap();
    println!("cargo:rerun-if-changed=build.rs");
}
