from husk.tracemalloc import Frame as Frame
from husk.tracemalloc import Trace as Trace
from husk.tracemalloc import Traceback as Traceback
from husk.tracemalloc import get_block_traceback as get_block_traceback
from husk.tracemalloc import get_object_traceback as get_object_traceback
