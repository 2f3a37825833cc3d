// SPDX-License-Identifier: GPL-2.0-or-later
include!(concat!(env!("OUT_DIR"), "/made.rs"));
fn main() {
    let threads: Vec<_> = (0..4).map(|n| std::thread::spawn(move || n * MADE)).collect();
    let sum: u32 = threads.into_iter().map(|t| t.join().unwrap()).sum();
    println!("{sum}");
}
