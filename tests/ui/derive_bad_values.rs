#[derive(nexlog::Value)]
#[nexlog(rename_all = "camel_case")]
struct A {
    #[nexlog(rename)]
    a: u8,
    #[nexlog(rename = 3)]
    b: u8,
    #[nexlog(rename = "")]
    c: u8,
    #[nexlog(secret = true)]
    d: u8,
    #[nexlog]
    e: u8,
    #[nexlog(skip secret)]
    f: u8,
    #[nexlog("skip")]
    g: u8,
}

fn main() {}
