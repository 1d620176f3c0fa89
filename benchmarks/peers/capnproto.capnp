@0xc3a5b1f0e7d94826;

struct Record {
  id @0 :Int64;
  name @1 :Text;
  price @2 :Float64;
  first @3 :Text;
  second @4 :Text;
  third @5 :Text;
  active @6 :Bool;
}

struct Event {
  symbol @0 :Text;
  price @1 :Float64;
  volume @2 :Int64;
  side @3 :Text;
  final @4 :Bool;
}

interface Subscriber {
  push @0 (event :Event) -> ();
}

interface Root {
  echoNumber @0 (value :Int64) -> (value :Int64);
  echoRecords @1 (value :List(Record)) -> (value :List(Record));
  echoBytes @2 (value :Data) -> (value :Data);
  subscribe @3 (subscriber :Subscriber) -> ();
  publish @4 () -> ();
}
