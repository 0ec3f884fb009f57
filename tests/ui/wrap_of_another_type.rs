use nexlog::Context;

fn main() {
    let context = Context::current();
    context.wrap(3);
    context.wrap(|number: u8| drop(number));
}
