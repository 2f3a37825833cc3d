# SPDX-License-Identifier: GPL-2.0-or-later
cargo build --offline --quiet
target/debug/sampled
cargo run --offline --quiet
