obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["mlrollout.dev/pause"] = "asked for in Argo CD"
return obj
