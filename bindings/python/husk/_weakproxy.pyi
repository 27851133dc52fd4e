from husk.weakref import CallableProxyType as CallableProxyType
from husk.weakref import ProxyType as ProxyType
from husk.weakref import WeakMethod as WeakMethod
from husk.weakref import getweakrefcount as getweakrefcount
from husk.weakref import getweakrefs as getweakrefs
from husk.weakref import proxy as proxy
