module husk.example/husk

go 1.19
