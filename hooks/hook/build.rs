//! Has the linker keep functions that came out alike once, write down in few bytes which addresses move with the program, and leave out
//! names that nobody reads: a profile of its own has them otherwise.

fn main() {
    // The linker of Rust's own, which knows both, is what is used here without being asked.
    if std::env::var_os("CARGO_CFG_TARGET_ARCH").is_some_and(|name| name == "x86_64") {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
}
