from husk.tracemalloc import BaseFilter as BaseFilter
from husk.tracemalloc import DomainFilter as DomainFilter
from husk.tracemalloc import Filter as Filter
