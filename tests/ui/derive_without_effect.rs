#[derive(nexlog::Value, Debug)]
#[nexlog(debug)]
struct A {
    #[nexlog(secret)]
    token: u8,
}

#[derive(nexlog::Value)]
#[nexlog(rename_all = "camelCase")]
struct B(u8);

fn main() {}
