from husk.tracemalloc import Lifetimes as Lifetimes
from husk.tracemalloc import Statistic as Statistic
from husk.tracemalloc import StatisticDiff as StatisticDiff
from husk.tracemalloc import Statistics as Statistics
